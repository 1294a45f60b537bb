import { assert, assertEquals } from "@std/assert";
import { type Ledger, LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { ExchangeArgs } from "../../../shared/credit/requests.ts";
import type { EndedRequest } from "../../../shared/credit/results.ts";
import { fromBase64, toBase64 } from "../../../shared/edge/base64.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { until } from "../../support/until.ts";
import { AS_GUEST, AS_USER, USER } from "../fakes.ts";
import { ASKING, proxyOn, RESERVATION, SETTINGS, SETTLED, wholeAnswer } from "./handler_harness.ts";
import { answerOf, COST_COMMENT } from "./relay_harness.ts";

/** The proxy with history on, and what it has saved. */
function saving(change: Parameters<typeof proxyOn>[0] = {}, savesChatHistory = true) {
  const saved: ExchangeArgs[] = [];
  const proxy = proxyOn({
    ...change,
    ledger: {
      saveExchange: (exchange) => {
        saved.push(exchange);
        return Promise.resolve(null);
      },
      ...change.ledger,
    },
  });
  proxy.deps.settings = {
    read: () => Promise.resolve({ ...SETTINGS, savesChatHistory }),
  };
  const ask = async (body: object = ASKING, headers: HeadersInit = AS_USER) => {
    const request = new Request("http://edge.test/chat-proxy/v1/chat/completions", {
      method: "POST",
      headers: { "idempotency-key": "k", ...headers as Record<string, string> },
      body: JSON.stringify(body),
    });
    const response = await createHandler(proxy.deps)(request);
    const text = await response.text();
    await Promise.all(proxy.background);
    return { response, text };
  };
  return { ...proxy, saved, ask };
}

const streamedAnswer = () =>
  new Response(answerOf(["Hi", " there"]), { headers: { "content-type": "text/event-stream" } });

Deno.test("an exchange is saved after it was settled, whole or streamed, as it was asked and given", async () => {
  for (const stream of [false, true]) {
    const { ask, saved, steps } = saving(stream ? { provider: streamedAnswer } : {});
    const body = { ...ASKING, stream };
    const { response, text } = await ask(body);
    assertEquals(saved.length, 1);
    const [exchange] = saved;
    assertEquals(exchange?.requestId, response.headers.get("x-request-id"));
    assertEquals([exchange?.userId, exchange?.request], [USER, body]);
    assertEquals(exchange?.answer, stream ? "Hi there" : "Hi");
    assertEquals(new TextDecoder().decode(exchange!.response!), text);
    assertEquals(exchange?.responseType, response.headers.get("content-type"));
    assertEquals(COST_COMMENT.test(text), stream);
    const names = steps.map(([name]) => name);
    assertEquals(names, ["reserve", "fetch", "settle", "saveExchange"]);
  }
});

Deno.test("the settings are read while the provider works: none is waited for before the first byte", async () => {
  let reads = 0;
  let readsWhenAsked = -1;
  const { ask, deps, saved } = saving({
    provider: () => {
      readsWhenAsked = reads;
      return streamedAnswer();
    },
  });
  deps.settings = {
    read: () => {
      reads++;
      return Promise.resolve({ ...SETTINGS, savesChatHistory: true });
    },
  };
  await ask({ ...ASKING, stream: true });
  assertEquals([saved.length, readsWhenAsked], [1, reads]);
});

Deno.test("an answer is not saved before it is settled, however long that takes", async () => {
  const { promise, resolve } = Promise.withResolvers<typeof SETTLED>();
  const { ask, saved, background, steps } = saving({ ledger: { settle: () => promise } });
  const asked = ask();
  await until("the settle", () => steps.some(([name]) => name === "settle"));
  await until("the answer to be given without it", () => background.length > 0);
  assertEquals(saved, []);
  resolve(SETTLED);
  await asked;
  assertEquals(saved.length, 1);
});

Deno.test("nothing is saved of a guest, where history is off, and of what failed", async () => {
  const guest = saving({
    ledger: { reserve: () => Promise.resolve({ ...RESERVATION, balance: null, available: null }) },
  });
  await guest.ask(ASKING, AS_GUEST);
  const off = saving({}, false);
  await off.ask();
  const failed = saving({ provider: () => new Response("down", { status: 400 }) });
  await failed.ask();
  const empty = saving({ provider: () => Response.json({ id: "c", choices: [] }) });
  await empty.ask();
  for (const { saved } of [guest, off, failed, empty]) assertEquals(saved, []);
});

Deno.test("a save that fails or is refused changes nothing of the answer and its charge", async () => {
  const failures: Ledger["saveExchange"][] = [
    () => Promise.reject(new LedgerUnavailable("save_exchange", "timeout")),
    () => Promise.reject(new TypeError("a bug")),
    () => Promise.resolve({ code: "INVALID_REQUEST", message: "No." }),
  ];
  for (const saveExchange of failures) {
    const { ask, steps } = saving({ ledger: { saveExchange }, provider: streamedAnswer });
    const { response, text } = await ask({ ...ASKING, stream: true });
    assertEquals(response.status, 200);
    assertEquals(text.replace(COST_COMMENT, ""), answerOf(["Hi", " there"], { usage: false }));
    assertEquals(steps.filter(([name]) => name === "settle").length, 1);
    assertEquals(steps.filter(([name]) => name === "recordLater").length, 0);
  }
});

Deno.test("what PostgreSQL cannot hold is replaced, and a body too large is left out", async () => {
  const { ask, saved } = saving({
    provider: () =>
      Response.json({
        choices: [{ message: { content: "a\0b\ud800c" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 1 },
      }),
  });
  await ask({
    ...ASKING,
    messages: [{ role: "user", content: "x\0y\udc00z" }],
    metadata: { "a\0b": "c" },
  });
  assertEquals(saved[0]?.answer, "a\uFFFDb\uFFFDc");
  assertEquals(saved[0]?.request, {
    ...ASKING,
    messages: [{ role: "user", content: "x\uFFFDy\uFFFDz" }],
    metadata: { "a\uFFFDb": "c" },
  });
  await ask({ ...ASKING, messages: [{ role: "user", content: "x".repeat(4 * 1024 * 1024) }] });
  assertEquals(saved[1]?.request, null);
});

Deno.test("an answer with an error in it is not given again", async () => {
  const delta = { choices: [{ index: 0, delta: { content: "Hi" } }] };
  const stream = `data: ${JSON.stringify(delta)}\n\ndata: {"error":{"message":"no"}}\n\n`;
  const { ask, saved } = saving({
    provider: () => new Response(stream, { headers: { "content-type": "text/event-stream" } }),
  });
  await ask({ ...ASKING, stream: true });
  assertEquals([saved[0]?.answer, saved[0]?.response, saved[0]?.responseType], ["Hi", null, null]);
});

const DUPLICATE: Refusal = {
  code: "DUPLICATE_REQUEST",
  message: "Answered.",
  request_id: "first",
  state: "settled",
};
const RECEIPT = { cost: "0.0012" };
const stored: EndedRequest["exchange"] = {
  model: "openai:gpt-4o",
  response: toBase64(new TextEncoder().encode("bytes")),
  response_type: "text/plain",
};

/** A repeated request, of which the ledger tells this, one word a question. */
async function repeated(words: Partial<EndedRequest>[], refusal = DUPLICATE, headers = AS_USER) {
  let asked = 0;
  const proxy = saving({
    ledger: {
      reserve: () => Promise.resolve(refusal),
      endedRequest: () =>
        Promise.resolve({
          exchange: null,
          receipt: RECEIPT,
          ended_ms_ago: 100,
          ...words[Math.min(asked++, words.length - 1)],
        }),
    },
  });
  const { response, text } = await proxy.ask(ASKING, headers);
  assertEquals(proxy.steps.filter(([name]) => name === "fetch").length, 0);
  return { response, text, asked };
}

Deno.test("who asks between settling and saving waits for the answer, and about a second at most", async () => {
  const late = await repeated([{}, {}, { exchange: stored }]);
  assertEquals([late.response.status, late.text, late.asked], [200, "bytes", 3]);
  const never = await repeated([{}]);
  assertEquals([never.response.status, JSON.parse(never.text).receipt, never.asked], [
    409,
    RECEIPT,
    6,
  ]);
});

Deno.test("nobody waits for what ended long ago, was cut, or is not known any more", async () => {
  for (
    const word of [{ ended_ms_ago: 5_000 }, { ended_ms_ago: null }, {
      exchange: { ...stored, response: null, response_type: null },
    }]
  ) {
    const { response, asked } = await repeated([word]);
    assertEquals([response.status, asked], [409, 1]);
  }
});

Deno.test("a request that ended without a charge says so, and has no receipt", async () => {
  const { text } = await repeated([{ receipt: null, ended_ms_ago: 9_000 }]);
  const body = JSON.parse(text);
  assertEquals(body.receipt, null);
  assert(body.message.includes("nothing was charged"), body.message);
});

Deno.test("while the first runs nothing is looked up: 409, and when to come again", async () => {
  const { response, asked } = await repeated([], { ...DUPLICATE, state: "open" });
  assertEquals([response.status, response.headers.get("retry-after"), asked], [409, "5", 0]);
});

Deno.test("a whole answer is saved once where its provider answers a stream whole", async () => {
  const { ask, saved } = saving({ provider: wholeAnswer });
  await ask({ ...ASKING, stream: true });
  assertEquals(saved.map(({ answer }) => answer), ["Hi"]);
});

Deno.test("bytes survive base64, with white space in it and at any length", () => {
  for (const length of [0, 1, 2, 3, 0x8000, 0x8001, 200_000]) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 7919) % 256);
    const text = toBase64(bytes).replace(/.{76}/g, "$&\n");
    assertEquals(fromBase64(text), bytes);
  }
});
