/** Ids that a client makes up: a chat's, an idempotency key, a user's. Taken as they are, or refused. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHandler } from "../../supabase/functions/chat-proxy/handler.ts";
import { ASKING, proxyOn } from "../functions/chat_proxy/handler_harness.ts";
import { SECRET } from "../functions/fakes.ts";

/** What a header can hold: Latin-1 without control characters. */
const headerText = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)) }),
  fc.constantFrom(
    "../..",
    "%00",
    "%0d%0a",
    "' or 1=1 --",
    "{}",
    "a,b",
    "__proto__",
    "null",
    "\xa0",
  ),
);
const names = fc.constantFrom(
  "x-chat-id",
  "idempotency-key",
  "x-fallback-models",
  "idempotency-key",
);
const bodyIds = fc.oneof(headerText, fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 1 }));

Deno.test("an id is what was sent or the request is refused, whatever a client makes up; none is a fault of ours", async () => {
  let reserved = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(names, headerText, { maxKeys: 3, noNullPrototype: true }),
      fc.option(bodyIds, { nil: undefined }),
      async (headers, chatId) => {
        const { deps, steps, background } = proxyOn();
        const response = await createHandler(deps)(
          new Request("http://edge.test/chat-proxy", {
            method: "POST",
            headers: {
              "x-user-id": crypto.randomUUID(),
              ...headers,
              authorization: `Bearer ${SECRET}`,
            },
            body: JSON.stringify({ ...ASKING, chat_id: chatId }),
          }),
        );
        await response.body?.cancel();
        await Promise.all(background);
        assert([200, 400, 404].includes(response.status), `${response.status}`);
        const call = steps.find(([name]) => name === "reserve");
        assertEquals(call === undefined, response.status !== 200);
        if (call === undefined) return;
        reserved++;
        const key = headers["idempotency-key"]?.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "").trim();
        const told = JSON.stringify(call);
        if (key) assert(told.includes(JSON.stringify(key)), `${key} in ${told}`);
        const forwarded = steps.find(([name]) => name === "fetch");
        assert(!JSON.stringify(forwarded).includes("chat_id"));
      },
    ),
    { numRuns: 400 },
  );
  assert(reserved > 20, `${reserved} were reserved`);
});
