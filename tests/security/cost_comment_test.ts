/** The comment that tells the cost is one line, to every reader's idea of a line. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { End, Outcome } from "../../supabase/functions/chat-proxy/ending.ts";
import { costComment } from "../../supabase/functions/chat-proxy/tail.ts";

/** What ends a line somewhere: SSE knows three, Python's splitlines ten. */
// deno-lint-ignore no-control-regex
const LINE_ENDS = /[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

const ugly = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(
    fc.constantFrom(
      ...["\r\n", "\n\n", "\r", "\u2028", "\u2029", "\u0085", "\v", "\f", "\x1d", "\ud800"],
      ...["data: [DONE]", "event: error", ": farebox {}", "id: 1", '"', "\\", "}", "\0"],
    ),
  ).map((parts) => parts.join("")),
);

Deno.test("no id, amount or word can end the comment of the cost early, or begin another event", () => {
  fc.assert(
    fc.property(ugly, ugly, ugly, (requestId, cost, basis) => {
      const outcome = { cost, balance: cost, tokens: null, basis } as unknown as Outcome;
      const text = new TextDecoder().decode(costComment(requestId, outcome, "complete" as End));
      assert(text.startsWith(": farebox {"));
      assert(text.endsWith("}\n\n"));
      const line = text.slice(0, -2);
      assert(!LINE_ENDS.test(line), JSON.stringify(line));
      const facts = JSON.parse(line.slice(": farebox ".length));
      assertEquals([facts.request_id, facts.cost, facts.basis], [requestId, cost, basis]);
    }),
    { numRuns: 2_000 },
  );
});
