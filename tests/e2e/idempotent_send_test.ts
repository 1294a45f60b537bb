/**
 * One request, sent twice with one Idempotency-Key: asked upstream once, charged once, and answered
 * again where the answer was kept.
 */
import { assert, assertEquals } from "@std/assert";
import OpenAI from "openai";
import { type Chat, chat, openChat } from "../support/chat.ts";
import { chargeOf, chargesOf, receiptOf } from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { post, settled, whatWasAsked } from "./clients_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const newKey = () => ({ "idempotency-key": crypto.randomUUID() });

/** How often the providers are asked while `run` runs. */
async function asked(run: () => Promise<unknown>): Promise<number> {
  const before = (await whatWasAsked(stack)).length;
  await run();
  return (await whatWasAsked(stack)).length - before;
}

/** A request that is refused as one that has ended, and its receipt. */
async function receiptInstead(response: Response, originalId: string) {
  assertEquals([response.status, response.headers.get("x-should-retry")], [409, "false"]);
  assertEquals(response.headers.get("retry-after"), null);
  const body = await response.json();
  assertEquals([body.code, body.duplicate_of], ["DUPLICATE_REQUEST", originalId]);
  return body.receipt;
}

async function savedExchange(requestId: string) {
  return await until(`the exchange of ${requestId}`, async () => {
    const [row] = await stack.sql`
      select user_id, chat_id, dialect, model, request, answer, response, response_type
      from public.chat_exchanges where request_id = ${requestId}`;
    return row;
  });
}

Deno.test("without history a repeated request is 409 with the receipt of the first, and changes nothing", async () => {
  const user = await stack.signUp();
  for (const stream of [false, true]) {
    const options: Chat = { headers: newKey(), stream, script: { output_tokens: 5 } };
    const first = await chat(stack, user, options);
    await first.text();
    const requestId = first.headers.get("x-request-id")!;
    await chargeOf(stack.sql, requestId);
    const times = await asked(async () => {
      const receipt = await receiptInstead(await chat(stack, user, options), requestId);
      assertEquals(receipt, await receiptOf(stack, user, requestId));
    });
    assertEquals(times, 0);
    assertEquals((await chargesOf(stack.sql, requestId)).length, 1);
  }
  assertEquals((await stack.sql`select from public.chat_exchanges`).length, 0);
});

Deno.test("history is switched on while everything runs", async () => {
  const user = await stack.signUp();
  const pid = await stack.functionsPid();
  await stack.sql`select public.settings_write('{"save_chat_history": true}')`;
  const since = Date.now();
  await until("an exchange to be saved", async () => {
    await (await chat(stack, user, { stream: false })).body?.cancel();
    return (await stack.sql`select from public.chat_exchanges where user_id = ${user.id}`).length >
      0;
  });
  assert(Date.now() - since < 7_000, `${Date.now() - since} ms`);
  assertEquals(await stack.functionsPid(), pid);
});

const CONTENT = 'Say it. [[demo: {"text": "One two three."}]]';
const MESSAGES = [{ role: "user", content: CONTENT }];
const GEMINI = { contents: [{ role: "user", parts: [{ text: CONTENT }] }] };
const GOOGLE = "/v1beta/models/google:gemini-2.5-flash";
const CLAUDE = { model: "anthropic:claude-sonnet-4-5", max_tokens: 100, messages: MESSAGES };
const WAYS: [dialect: string, path: string, body: Record<string, unknown>][] = [
  ["openai-chat", "/v1/chat/completions", { model: "openai:gpt-4o", messages: MESSAGES }],
  ["openai-chat", "", { model: "openai:gpt-4o", messages: MESSAGES, stream: true }],
  ["openai-responses", "/v1/responses", { model: "openai:gpt-4o", input: CONTENT }],
  ["openai-responses", "/v1/responses", { model: "openai:gpt-4o", input: CONTENT, stream: true }],
  ["anthropic-messages", "/v1/messages", CLAUDE],
  ["anthropic-messages", "/v1/messages", { ...CLAUDE, stream: true }],
  ["gemini", `${GOOGLE}:generateContent`, GEMINI],
  ["gemini", `${GOOGLE}:streamGenerateContent?alt=sse`, GEMINI],
  ["gemini", `${GOOGLE}:streamGenerateContent`, GEMINI],
];

for (const [dialect, path, body] of WAYS) {
  const way = body["stream"] === true ? "streamed" : "as it comes";
  Deno.test(`${dialect} ${path} ${way}: a repeated request gets the same bytes, for nothing`, async () => {
    const user = await stack.signUp();
    const key = newKey();
    const send = () =>
      fetch(`${stack.functionsUrl}/chat-proxy${path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${user.token}`,
          "content-type": "application/json",
          "x-chat-id": "chat-7",
          ...key,
        },
        body: JSON.stringify(body),
      });
    const first = await send();
    const bytes = await first.bytes();
    assertEquals(first.status, 200);
    const requestId = first.headers.get("x-request-id")!;
    const times = await asked(async () => {
      const again = await send();
      assertEquals(again.status, 200, await again.clone().text());
      assertEquals(new Uint8Array(await again.arrayBuffer()), bytes);
      for (const name of ["content-type", "x-model", "cache-control"]) {
        assertEquals(again.headers.get(name), first.headers.get(name), name);
      }
      assertEquals(again.headers.get("x-idempotent-replay"), "true");
      assertEquals(again.headers.get("x-original-request-id"), requestId);
      assert(again.headers.get("x-request-id") !== requestId);
      assertEquals(again.headers.get("x-cost"), null, "it costs nothing");
    });
    assertEquals(times, 0, "no provider is asked");
    assertEquals(first.headers.get("x-idempotent-replay"), null);
    const charges = await stack.sql`
      select request_id from public.usage_records where user_id = ${user.id}`;
    assertEquals(charges.map((row) => row["request_id"]), [requestId]);
    const saved = await savedExchange(requestId);
    assertEquals(saved["answer"], "One two three.");
    assertEquals(saved["request"], body);
    assertEquals([saved["user_id"], saved["chat_id"], saved["dialect"]], [
      user.id,
      "chat-7",
      dialect,
    ]);
    await settled(stack);
  });
}

/** The SDK, with one key for all that it sends. */
function sdk({ token }: TestUser, idempotencyKey: string, maxRetries: number) {
  const client = new OpenAI({
    baseURL: `${stack.functionsUrl}/chat-proxy/v1`,
    apiKey: token,
    maxRetries,
  });
  return { client, options: { headers: { "idempotency-key": idempotencyKey } } };
}

Deno.test("the openai SDK parses the stored answer into what it parsed the first time, whole and streamed", async () => {
  const user = await stack.signUp();
  const question = {
    model: "openai:gpt-4o",
    messages: [{ role: "user" as const, content: 'Hello [[demo: {"output_tokens": 12}]]' }],
  };
  const whole = sdk(user, crypto.randomUUID(), 0);
  const ask = () => whole.client.chat.completions.create(question, whole.options);
  const first = await ask();
  const second = await ask();
  // The SDK adds the id of the HTTP exchange, which is another one.
  assert(first._request_id !== second._request_id);
  assertEquals({ ...second, _request_id: null }, { ...first, _request_id: null });

  const streamed = sdk(user, crypto.randomUUID(), 0);
  const read = async () =>
    await Array.fromAsync(
      await streamed.client.chat.completions
        .create({ ...question, stream: true, stream_options: { include_usage: true } }, {
          ...streamed.options,
        }),
    );
  const chunks = await read();
  assert(chunks.length > 5);
  assertEquals(await read(), chunks);
});

Deno.test("an SDK that sends again while the first runs comes back by itself, and gets its answer", async () => {
  const user = await stack.signUp();
  const { client, options } = sdk(user, crypto.randomUUID(), 2);
  const content = 'Hello [[demo: {"output_tokens": 5, "first_token_ms": 1500}]]';
  const body = { model: "openai:gpt-4o", messages: [{ role: "user" as const, content }] };
  const times = await asked(async () => {
    const first = client.chat.completions.create(body, options);
    await until("the first to run", async () => {
      const rows = await stack.sql`
        select from billing.reservations where user_id = ${user.id} and state = 'open'`;
      return rows.length === 1;
    });
    const second = await client.chat.completions.create(body, options);
    assertEquals({ ...second, _request_id: 0 }, { ...await first, _request_id: 0 });
  });
  assertEquals(times, 1);
});

Deno.test("20 requests with one key at once: one is asked upstream and charged, the others are told to come again", async () => {
  const user = await stack.signUp();
  const headers = newKey();
  const send = () =>
    chat(stack, user, {
      headers,
      stream: false,
      script: { output_tokens: 5, first_token_ms: 500 },
    });
  const times = await asked(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, send));
    const fresh = answers.filter(({ status, headers }) =>
      status === 200 && !headers.has("x-idempotent-replay")
    );
    assertEquals(fresh.length, 1);
    for (const answer of answers) {
      if (answer.status !== 200) {
        assertEquals(answer.status, 409);
        assertEquals(Number(answer.headers.get("retry-after")) > 0, true);
        assertEquals(answer.headers.get("x-should-retry"), null);
      }
    }
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    const whole = texts[answers.indexOf(fresh[0]!)];
    // And all of them, when they do.
    await settled(stack);
    const later = await Promise.all(Array.from({ length: 20 }, send));
    assertEquals(
      new Set(await Promise.all(later.map((answer) => answer.text()))),
      new Set([whole!]),
    );
  });
  assertEquals(times, 1);
  const charges = await stack.sql`select from public.usage_records where user_id = ${user.id}`;
  assertEquals(charges.length, 1);
});

Deno.test("of a stream that its client left, a retry gets the receipt: a part is not given for the whole", async () => {
  const user = await stack.signUp();
  const options = { headers: newKey(), script: { output_tokens: 300, token_ms: 4 } };
  const stream = await openChat(stack, user, options);
  await stream.readBytes(4_000);
  stream.cut();
  const charge = await chargeOf(stack.sql, stream.requestId);
  const receipt = await receiptInstead(await chat(stack, user, options), stream.requestId);
  assertEquals(receipt.basis, charge.basis);
  const saved = await savedExchange(stream.requestId);
  assertEquals([saved["response"], saved["response_type"]], [null, null]);
  assert(saved["answer"].length > 0, "but its text is in the history");
});

Deno.test("of a stream that was read on for its usage without its client, a retry gets all of it", async () => {
  const user = await stack.signUp();
  const options = {
    model: "groq:llama-3.3-70b-versatile",
    headers: newKey(),
    script: { output_tokens: 120, token_ms: 3 },
  };
  const stream = await openChat(stack, user, options);
  await stream.readBytes(1_000);
  stream.cut();
  await chargeOf(stack.sql, stream.requestId);
  const saved = await savedExchange(stream.requestId);
  const again = await chat(stack, user, options);
  assertEquals(again.headers.get("x-original-request-id"), stream.requestId);
  const text = await again.text();
  assert(text.endsWith("data: [DONE]\n\n"));
  assertEquals(text, new TextDecoder().decode(saved["response"]));
});

Deno.test("what failed upstream gives its key back: the same request is asked anew", async () => {
  const user = await stack.signUp();
  const options = {
    headers: newKey(),
    stream: false,
    script: { fail: 500, fail_times: 3, key: crypto.randomUUID(), output_tokens: 4 },
  };
  const failed = await chat(stack, user, options);
  assertEquals(failed.status, 502);
  await failed.body?.cancel();
  const answered = await chat(stack, user, options);
  assertEquals([answered.status, answered.headers.get("x-idempotent-replay")], [200, null]);
  await answered.body?.cancel();
});

Deno.test("where saving fails the answer, its bytes and its charge are as ever; a line of the log tells it", async () => {
  const user = await stack.signUp();
  const { sql } = stack;
  await sql`alter table public.chat_exchanges add constraint broken check (false) not valid`;
  try {
    for (const stream of [true, false]) {
      const options = { headers: newKey(), stream, script: { output_tokens: 6 } };
      const first = await chat(stack, user, options);
      const requestId = first.headers.get("x-request-id")!;
      const text = await first.text();
      assertEquals(text.includes("data: [DONE]"), stream);
      assertEquals((await chargeOf(sql, requestId)).output_tokens, 6);
      await stack.logged("Could not save an exchange", requestId);
      const receipt = await receiptInstead(await chat(stack, user, options), requestId);
      assertEquals(receipt.request_id, requestId);
    }
  } finally {
    await sql`alter table public.chat_exchanges drop constraint broken`;
  }
  await settled(stack);
});

Deno.test("their owner reads and deletes the exchanges through the Data API, and nobody else's; a retry then gets the receipt", async () => {
  const [ada, bob] = [await stack.signUp(), await stack.signUp()];
  const options = { headers: newKey(), stream: false };
  const first = await chat(stack, ada, options);
  await first.body?.cancel();
  const requestId = first.headers.get("x-request-id")!;
  await savedExchange(requestId);
  const table = (method: string, { token }: TestUser) =>
    fetch(`${stack.url}/rest/v1/chat_exchanges?select=request_id&request_id=eq.${requestId}`, {
      method,
      headers: {
        apikey: stack.details.publishableKey,
        authorization: `Bearer ${token}`,
        prefer: "return=representation",
      },
    });
  const found = [{ request_id: requestId }];
  assertEquals(await (await table("GET", bob)).json(), []);
  assertEquals(await (await table("DELETE", bob)).json(), []);
  assertEquals(await (await table("GET", ada)).json(), found);
  assertEquals(await (await table("DELETE", ada)).json(), found);
  const receipt = await receiptInstead(await chat(stack, ada, options), requestId);
  assertEquals(receipt.request_id, requestId);
});

Deno.test("a guest has no history and no receipts: a repeated request is 409 without one", async () => {
  const apikey = stack.details.publishableKey;
  const body = { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] };
  const key = newKey();
  const first = await post(stack, { headers: { apikey } }, body, key);
  assertEquals(first.status, 200);
  await first.body?.cancel();
  const guest = { apikey, "x-guest-token": first.headers.get("x-guest-token")! };
  await settled(stack);
  const again = await post(stack, { headers: guest }, body, key);
  assertEquals([again.status, again.headers.get("x-should-retry")], [409, "false"]);
  assertEquals("receipt" in await again.json(), false);
  const saved = await stack.sql`
    select from public.chat_exchanges where request_id = ${first.headers.get("x-request-id")}`;
  assertEquals(saved.length, 0);
});

Deno.test("history ends with the account", async () => {
  const user = await stack.signUp();
  const first = await chat(stack, user, { stream: false });
  await first.body?.cancel();
  await savedExchange(first.headers.get("x-request-id")!);
  await settled(stack);
  await stack.sql`delete from auth.users where id = ${user.id}`;
  const left = await stack.sql`select from public.chat_exchanges where user_id = ${user.id}`;
  assertEquals(left.length, 0);
});
