/** A request goes on from what its own user was answered, and from nothing else. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Ledger, LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_GUEST, AS_USER, USER } from "../fakes.ts";
import { proxyOn, SETTINGS, wholeAnswer } from "./handler_harness.ts";

const RESPONSE = {
  id: "resp_1",
  status: "completed",
  output: [{
    type: "message",
    id: "msg_1",
    role: "assistant",
    content: [{ type: "output_text", text: "Hi" }],
  }],
  usage: { input_tokens: 8, output_tokens: 2, total_tokens: 10 },
};
const STREAM = [
  { type: "response.created", response: { ...RESPONSE, output: [], usage: null } },
  { type: "response.output_item.added", output_index: 0, item: RESPONSE.output[0] },
  { type: "response.completed", response: RESPONSE },
].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

const ASKING = { model: "openai:gpt-4o", input: "Hello" };

/** The proxy, over a ledger to which everything is foreign but `own`. */
function goingOn(
  { own = [], ledger = {}, ownOnly = true }: {
    own?: string[];
    ledger?: Partial<Ledger>;
    ownOnly?: boolean;
  } = {},
) {
  const proxy = proxyOn({
    provider: () =>
      isStreamed
        ? new Response(STREAM, { headers: { "content-type": "text/event-stream" } })
        : Response.json(RESPONSE),
    ledger: {
      foreignStoredItems: ({ ids }) => Promise.resolve(ids.filter((id) => !own.includes(id))),
      rememberStoredItems: () => Promise.resolve(null),
      ...ledger,
    },
  });
  proxy.deps.settings = {
    read: () => Promise.resolve({ ...SETTINGS, ownStoredItemsOnly: ownOnly }),
  };
  let isStreamed = false;
  const ask = async (body: object, headers: HeadersInit = AS_USER) => {
    isStreamed = "stream" in body;
    const request = new Request("http://edge.test/chat-proxy/v1/responses", {
      method: "POST",
      headers: { ...headers as Record<string, string> },
      body: JSON.stringify({ ...ASKING, ...body }),
    });
    const response = await createHandler(proxy.deps)(request);
    const text = await response.text();
    await Promise.all(proxy.background);
    return { response, text };
  };
  return { ...proxy, ask, names: () => proxy.steps.map(([name]) => name) };
}

Deno.test("what is another's is refused before anything is held or asked, and says which parameter it is", async () => {
  for (
    const [body, param] of [
      [{ previous_response_id: "resp_2" }, "previous_response_id"],
      [{ conversation: "conv_1" }, "conversation"],
      [{ previous_response_id: "resp_1", input: [{ id: "msg_2" }] }, "input[0].id"],
      // What no provider calls an id is not even asked for.
      [{ previous_response_id: "resp\u0000_1" }, "previous_response_id"],
      [{ previous_response_id: "é" }, "previous_response_id"],
      [{ previous_response_id: "x".repeat(1_001) }, "previous_response_id"],
    ] as [object, string][]
  ) {
    const { ask, names } = goingOn({ own: ["resp_1", "msg_1"] });
    const { response, text } = await ask(body);
    const told = JSON.parse(text);
    assertEquals([response.status, told.code, told.error.param], [400, "INVALID_REQUEST", param]);
    assertMatch(told.message, /given to you .*Send the conversation itself as input, /);
    assert(!names().some((name) => name !== "foreignStoredItems"), names().join());
  }
});

Deno.test("what is one's own is gone on from, and each id is asked for once", async () => {
  const { ask, steps } = goingOn({ own: ["resp_1", "msg_1"] });
  const input = [{ type: "item_reference", id: "msg_1" }, { id: "msg_1" }];
  const { response } = await ask({ previous_response_id: "resp_1", input });
  assertEquals(response.status, 200);
  assertEquals(steps[0], ["foreignStoredItems", { userId: USER, ids: ["resp_1", "msg_1"] }]);
  const fetched = steps.find(([name]) => name === "fetch")?.[1] as Record<string, unknown>;
  assertEquals([fetched["previous_response_id"], fetched["input"]], ["resp_1", input]);
});

Deno.test("a request without a reference, or in another dialect, asks the ledger for none", async () => {
  const { ask, names } = goingOn();
  await ask({ input: [{ role: "user", content: "x", id: "msg_9" }] });
  assert(!names().includes("foreignStoredItems"));
  const chat = proxyOn({ provider: wholeAnswer });
  const body = { model: "openai:gpt-4o", messages: [{ role: "user", content: "x" }] };
  await createHandler(chat.deps)(
    new Request("http://edge.test/chat-proxy", {
      method: "POST",
      headers: AS_USER,
      body: JSON.stringify({ ...body, previous_response_id: "resp_2" }),
    }),
  );
  assert(!chat.steps.some(([name]) => /StoredItems/.test(name)));
});

Deno.test("a guest goes on from nothing", async () => {
  const { ask, names } = goingOn({ own: ["resp_1"] });
  const { response } = await ask({ previous_response_id: "resp_1" }, AS_GUEST);
  assertEquals(response.status, 400);
  assert(!names().includes("reserve"));
});

Deno.test("whoever cannot be told whose it is gets 503: the ledger's silence opens nothing", async () => {
  const { ask, names } = goingOn({
    ledger: {
      foreignStoredItems: () =>
        Promise.reject(new LedgerUnavailable("foreign_stored_items", "network")),
    },
  });
  const { response, text } = await ask({ previous_response_id: "resp_1" });
  assertEquals([response.status, JSON.parse(text).code], [503, "LEDGER_UNAVAILABLE"]);
  assert(!names().includes("fetch"));
});

Deno.test("an answer, whole or streamed, is remembered with its items before its reader has the end", async () => {
  for (const stream of [{}, { stream: true }]) {
    let isRemembered = false;
    const { ask, steps } = goingOn({
      ledger: {
        rememberStoredItems: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          isRemembered = true;
          return null;
        },
      },
    });
    await ask(stream);
    assert(isRemembered);
    const call = steps.find(([name]) => name === "rememberStoredItems");
    assertEquals(call?.[1], { userId: USER, ids: ["resp_1", "msg_1"] });
  }
});

Deno.test("a ledger that is away when an answer ends is asked again behind it, and the answer is whole", async () => {
  let times = 0;
  const { ask } = goingOn({
    ledger: {
      rememberStoredItems: () =>
        ++times < 4
          ? Promise.reject(new LedgerUnavailable("remember_stored_items", "network"))
          : Promise.resolve(null),
    },
  });
  const { response, text } = await ask({ stream: true });
  assertEquals([response.status, times], [200, 4]);
  assertMatch(text, /: farebox .*"cost"/);
});

Deno.test("a guest's answer is not remembered", async () => {
  const { ask, names } = goingOn();
  assertEquals((await ask({}, AS_GUEST)).response.status, 200);
  assert(!names().some((name) => /StoredItems/.test(name)), names().join());
});

Deno.test("where the setting is off nothing is asked, but all is remembered, for when it is on again", async () => {
  const { ask, steps, names } = goingOn({ ownOnly: false });
  assertEquals((await ask({ previous_response_id: "resp_2" })).response.status, 200);
  assert(!names().includes("foreignStoredItems"));
  const call = steps.find(([name]) => name === "rememberStoredItems");
  assertEquals(
    call?.[1],
    { userId: USER, ids: ["resp_1", "msg_1"] },
    "and not what nobody has checked",
  );
});

Deno.test("what was gone on from is remembered anew: a conversation in use does not grow old", async () => {
  const { ask, steps } = goingOn({ own: ["conv_1", "msg_0"] });
  await ask({ conversation: "conv_1", input: [{ type: "item_reference", id: "msg_0" }] });
  const call = steps.find(([name]) => name === "rememberStoredItems");
  assertEquals(call?.[1], { userId: USER, ids: ["resp_1", "msg_1", "conv_1", "msg_0"] });
});

Deno.test("an id that the client has said itself was not made by the provider, and makes nobody its owner", async () => {
  for (const field of [{ metadata: { x: "resp_1" } }, { user: "a resp_1 b" }, { resp_1: 1 }]) {
    const { ask, steps } = goingOn();
    await ask(field);
    const call = steps.find(([name]) => name === "rememberStoredItems");
    assertEquals(call?.[1], { userId: USER, ids: ["msg_1"] }, JSON.stringify(field));
  }
});

Deno.test("a ledger that hangs keeps the end of a charged answer for a moment, and its cost from nobody", async () => {
  const { promise, resolve } = Promise.withResolvers<null>();
  const { deps, ask } = goingOn({ ledger: { rememberStoredItems: () => promise } });
  const waitUntil = deps.waitUntil;
  // What goes on behind the answer ends once its reader has the end.
  deps.waitUntil = (promised) => waitUntil(Promise.race([promised, ended.promise]));
  const ended = Promise.withResolvers<void>();
  const asked = ask({ stream: true });
  setTimeout(ended.resolve, 2_000);
  assertMatch((await asked).text, /: farebox .*"cost"/);
  resolve(null);
});
