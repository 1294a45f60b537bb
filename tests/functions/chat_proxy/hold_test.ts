import { assertEquals } from "@std/assert";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { ExtendArgs } from "../../../shared/credit/requests.ts";
import type { Extension, Reservation } from "../../../shared/credit/results.ts";
import { parsePrice } from "../../../shared/pricing/price.ts";
import { createHold, type Hold } from "../../../supabase/functions/chat-proxy/hold.ts";

const PRICE = parsePrice({
  price_version: 1,
  provider_id: "openai",
  model_id: "gpt-4o",
  input_per_1k: "0.0025",
  output_per_1k: "0.01",
  request_fee: "0",
});

const RESERVATION: Reservation = {
  request_id: "r",
  amount: "0.01",
  output_tokens_reserved: 100,
  output_tokens_limit: 1000,
  output_limited_by: "model",
  balance: "1",
  available: "0.99",
  price_version: 1,
  price: PRICE,
  candidates: [{ model: "openai:gpt-4o", price: PRICE }],
  markup_basis_points: 0,
  expires_at: "2026-01-01T00:00:00Z",
  would_refuse: null,
  guest_exchanges_left: null,
  enforcement: "enforce",
  requests_limit: null,
};

/** A hold on a ledger that answers with `answer`; stopped at the end of `test`. */
async function withHold(
  answer: (args: ExtendArgs) => Promise<Extension>,
  test: (hold: Hold, calls: ExtendArgs[]) => Promise<void>,
  reservation: Reservation = RESERVATION,
): Promise<void> {
  const calls: ExtendArgs[] = [];
  const hold = createHold({
    ledger: {
      extend: (args) => {
        calls.push(args);
        return answer(args);
      },
    },
    reservation,
    heartbeatMs: 60_000,
  });
  try {
    await test(hold, calls);
  } finally {
    hold.stop();
  }
}

const granted = (args: ExtendArgs): Promise<Extension> =>
  Promise.resolve({
    state: "extended",
    output_tokens_reserved: args.outputTokensTotal,
    available: "1",
    expires_at: null,
  });
const refused = (): Promise<Extension> =>
  Promise.resolve({
    state: "refused",
    output_tokens_reserved: 100,
    available: "0",
    expires_at: null,
  });

Deno.test("the next slice is asked for once, before the last one is used up, with the checkpoint", () =>
  withHold(granted, async (hold, calls) => {
    hold.progress({ inputTokens: 5, outputTokens: 70 }, 70);
    assertEquals(calls, []);
    hold.progress({ inputTokens: 5, outputTokens: 76 }, 76);
    hold.progress({ inputTokens: 5, outputTokens: 80 }, 80);
    assertEquals(calls, [{
      requestId: "r",
      outputTokensTotal: 200,
      inputTokens: 5,
      outputTokens: 76,
    }]);
    assertEquals(await hold.covers(150), true);
  }));

Deno.test("a refused slice leaves the rest of the last one, and then it is over", () =>
  withHold(refused, async (hold, calls) => {
    hold.progress({ inputTokens: 5, outputTokens: 90 }, 90);
    assertEquals(await hold.covers(99), true);
    assertEquals(await hold.covers(100), false);
    hold.progress({ inputTokens: 5, outputTokens: 100 }, 100);
    assertEquals(calls.length, 1);
  }));

Deno.test("who refused the next slice is known once it was", () =>
  withHold(
    async () => ({ ...await refused(), refused_by: "spend_limit" }),
    async (hold) => {
      assertEquals(hold.refusedBy(), null);
      assertEquals(await hold.covers(100), false);
      assertEquals(hold.refusedBy(), "spend_limit");
    },
  ));

Deno.test("a reservation of the whole limit is never extended", () =>
  withHold(granted, async (hold, calls) => {
    hold.progress({ inputTokens: 5, outputTokens: 60 }, 60);
    assertEquals(await hold.covers(75), true);
    assertEquals(calls, []);
  }, { ...RESERVATION, output_tokens_reserved: 60, output_tokens_limit: 60 }));

Deno.test("an answer goes on while the ledger is away", () =>
  withHold(
    () => Promise.reject(new LedgerUnavailable("extend", "network")),
    async (hold) => {
      assertEquals(await hold.covers(100), true);
    },
  ));

Deno.test("the next slice is asked for by the upper bound, and the stop decided by the estimate", () =>
  withHold(refused, async (hold, calls) => {
    hold.progress({ inputTokens: 5, outputTokens: 40 }, 80);
    assertEquals(calls.length, 1);
    assertEquals(await hold.covers(99), true);
    assertEquals(await hold.covers(100), false);
  }));

Deno.test("an answer whose reservation was swept meanwhile goes on: that says nothing of the balance", () =>
  withHold(
    () =>
      Promise.resolve({
        state: "closed",
        output_tokens_reserved: 100,
        available: "0",
        expires_at: null,
      }),
    async (hold) => {
      assertEquals(await hold.covers(100), true);
      assertEquals(await hold.covers(900), true);
    },
  ));

Deno.test("a limit is exceeded only by more than an estimate can err", () =>
  withHold(granted, (hold) => {
    assertEquals([1000, 1500, 1600].map(hold.exceedsLimit), [false, false, false]);
    assertEquals(hold.exceedsLimit(1601), true);
    return Promise.resolve();
  }));

Deno.test("an event of several slices is covered by one question, where the balance has it", () =>
  withHold(granted, async (hold, calls) => {
    assertEquals(await hold.covers(750), true);
    assertEquals(calls.map((call) => call.outputTokensTotal), [850]);
  }));
