/** An isolate that is told to end: what streams still writes its checkpoint. A file of its own, for the word is final. */
import { assertEquals } from "@std/assert";
import type { ExtendArgs } from "../../../shared/credit/requests.ts";
import type { Reservation } from "../../../shared/credit/results.ts";
import { createHold, hurryCheckpoints } from "../../../supabase/functions/chat-proxy/hold.ts";
import { until } from "../../support/until.ts";
import { RESERVATION } from "./handler_harness.ts";

function holdOn(calls: ExtendArgs[]) {
  const reservation = {
    ...RESERVATION,
    output_tokens_reserved: 100,
    output_tokens_limit: 1_000,
  } as Reservation;
  return createHold({
    ledger: {
      extend: (args) => {
        calls.push(args);
        return Promise.resolve({
          state: "extended" as const,
          output_tokens_reserved: args.outputTokensTotal,
          available: "1",
          expires_at: null,
        });
      },
    },
    reservation,
    heartbeatMs: 60_000,
  });
}

Deno.test("when the platform says that an isolate ends, each stream writes what it has delivered, at once and again; one that has ended does not", async () => {
  const [running, ended]: [ExtendArgs[], ExtendArgs[]] = [[], []];
  const hold = holdOn(running);
  const over = holdOn(ended);
  try {
    hold.progress({ inputTokens: 5, outputTokens: 40 }, 40);
    over.progress({ inputTokens: 5, outputTokens: 40 }, 40);
    over.stop();
    hurryCheckpoints();
    assertEquals(running.map(({ outputTokens }) => outputTokens), [40]);
    hold.progress({ inputTokens: 5, outputTokens: 60 }, 60);
    await until("the next checkpoint", () => running.length > 1);
    assertEquals(running.at(-1)?.outputTokens, 60);
    assertEquals(ended, []);
  } finally {
    hold.stop();
  }
});
