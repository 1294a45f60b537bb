/**
 * Refusals as the official `openai` SDK tells them: its own exception classes, with our `code`.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { ask, setBalance } from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { ordering, post, QUESTION, settled } from "./clients_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

type Chat = OpenAI.ChatCompletionCreateParamsNonStreaming;
const chat = (body: unknown): Chat => body as Chat;

/** The SDK, counting what it sends; retries are left at its default of two. */
function sdk(apiKey: string, defaultHeaders: Record<string, string> = {}) {
  let requests = 0;
  const client = new OpenAI({
    baseURL: `${stack.functionsUrl}/chat-proxy/v1`,
    apiKey,
    defaultHeaders,
    fetch: (url, init) => {
      requests++;
      return fetch(url as string, init as RequestInit);
    },
  });
  return {
    get requests() {
      return requests;
    },
    ask: (body: unknown) => client.chat.completions.create(chat(body)),
  };
}

type ErrorClass = abstract new (...args: never[]) => InstanceType<typeof OpenAI.APIError>;

async function assertRaises(
  asking: Promise<unknown>,
  errorClass: ErrorClass,
  status: number,
  code: string,
): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await assertRejects(() => asking) as InstanceType<typeof OpenAI.APIError>;
  assert(error instanceof errorClass, `${error.constructor.name}: ${error.message}`);
  assertEquals(error.status, status);
  assertEquals(error.code, code);
  assertMatch(error.message, /[.?]$/, "a sentence");
  assertMatch(error.requestID ?? "", /^[0-9a-f-]{36}$/);
  return error;
}

Deno.test("a token that is none raises AuthenticationError, once", async () => {
  const client = sdk("not-a-token");
  await assertRaises(client.ask(QUESTION), OpenAI.AuthenticationError, 401, "UNAUTHENTICATED");
  assertEquals(client.requests, 1);
});

Deno.test("a bad request raises BadRequestError that names the parameter", async () => {
  const { token } = await stack.signUp();
  const error = await assertRaises(
    sdk(token).ask({ ...QUESTION, n: 2 }),
    OpenAI.BadRequestError,
    400,
    "INVALID_REQUEST",
  );
  assertEquals(error.param, "n");
});

Deno.test("a limit above the model's is lowered to it", async () => {
  const user = await stack.signUp();
  const answer = await sdk(user.token).ask({ ...QUESTION, max_tokens: 1_000_000 });
  assertEquals(answer.choices.length, 1);
});

Deno.test("what the provider refuses is BadRequestError in its own words, free of charge", async () => {
  const user = await stack.signUp();
  const client = sdk(user.token);
  const error = await assertRejects(
    () => client.ask({ ...QUESTION, model: "openai:gpt-5-nano", temperature: 0.2 }),
    OpenAI.BadRequestError,
  );
  assertEquals(client.requests, 1);
  assertMatch(error.message, /'temperature' does not support 0\.2 with this model/);
  assertEquals([error.param, error.code], ["temperature", "unsupported_value"]);
  assertMatch(error.requestID ?? "", /^[0-9a-f-]{36}$/);
  assertEquals(await ask(stack, user), {
    balance: 10,
    currency: "USD",
    available: "10",
    reserved: "0",
  });
});

Deno.test("an unknown model raises NotFoundError", async () => {
  const { token } = await stack.signUp();
  await assertRaises(
    sdk(token).ask({ ...QUESTION, model: "openai:gpt-4oo" }),
    OpenAI.NotFoundError,
    404,
    "MODEL_NOT_FOUND",
  );
});

Deno.test("an empty account raises an APIError of 402, INSUFFICIENT_BALANCE, once", async () => {
  const person = await stack.signUp();
  await setBalance(stack, person, "0.004");
  const client = sdk(person.token);
  const error = await assertRaises(
    client.ask(QUESTION),
    OpenAI.APIError,
    402,
    "INSUFFICIENT_BALANCE",
  );
  assertEquals(client.requests, 1);
  assertEquals(error.type, "insufficient_quota");
  assertEquals(error.headers?.get("x-balance"), "0.004");
  assertMatch(error.message, /Add credit/);
});

Deno.test("a guest without free exchanges raises RateLimitError, and the SDK does not retry", async () => {
  const { publishableKey } = stack.details;
  for (const _ of [1, 2, 3]) await sdk(publishableKey).ask(ordering({ output_tokens: 1 }));
  const client = sdk(publishableKey);
  const error = await assertRaises(
    client.ask(QUESTION),
    OpenAI.RateLimitError,
    429,
    "FREE_LIMIT_REACHED",
  );
  assertEquals(client.requests, 1);
  assertEquals(error.headers?.get("x-free-limit"), "reached");
});

Deno.test("a repeated Idempotency-Key raises ConflictError, with another body UnprocessableEntityError", async () => {
  const { token } = await stack.signUp();
  const client = sdk(token, { "idempotency-key": "order-1" });
  await client.ask(QUESTION);
  await assertRaises(client.ask(QUESTION), OpenAI.ConflictError, 409, "DUPLICATE_REQUEST");
  const other = ordering({ output_tokens: 1 });
  await assertRaises(
    client.ask(other),
    OpenAI.UnprocessableEntityError,
    422,
    "IDEMPOTENCY_KEY_REUSED",
  );
  assertEquals(client.requests, 3);
});

Deno.test("a failing provider raises InternalServerError, and an SDK that retries gets its answer", async () => {
  const { token } = await stack.signUp();
  const client = sdk(token);
  await assertRaises(
    client.ask(ordering({ fail: 500, retry_after: 0 })),
    OpenAI.InternalServerError,
    502,
    "UPSTREAM_ERROR",
  );
  assertEquals(client.requests, 3, "the SDK tried three times: nothing was charged for any");
  await settled(stack);
});

Deno.test("an Idempotency-Key is free again at once when its request failed: the SDK's retries pass", async () => {
  const user = await stack.signUp();
  const key = { "idempotency-key": "order-2" };
  for (let i = 0; i < 12; i++) {
    const response = await post(stack, user, ordering({ fail: 503, retry_after: 0 }), key);
    const { code } = await response.json();
    assertEquals(code, "UPSTREAM_ERROR", `attempt ${i + 1}`);
  }
});

Deno.test("a revoked key of ours is a 502 to the SDK, and says nothing of the key", async () => {
  const { token } = await stack.signUp();
  const error = await assertRaises(
    sdk(token).ask(ordering({ fail: 401 })),
    OpenAI.InternalServerError,
    502,
    "UPSTREAM_ERROR",
  );
  assert(!/sk-|key/i.test(JSON.stringify(error.error)), JSON.stringify(error.error));
});

Deno.test("an error event in mid-stream is raised out of the loop over chunks", async () => {
  const { token } = await stack.signUp();
  const client = new OpenAI({
    baseURL: `${stack.functionsUrl}/chat-proxy/v1`,
    apiKey: token,
  });
  for (const script of [{ error_frame_after_tokens: 3 }, { drop_after_tokens: 3 }]) {
    const body = { ...ordering({ output_tokens: 20, token_ms: 2, ...script }), stream: true };
    const stream = await client.chat.completions.create(
      body as OpenAI.ChatCompletionCreateParamsStreaming,
    );
    let received = 0;
    const error = await assertRejects(async () => {
      for await (const chunk of stream) if (chunk.choices[0]?.delta.content) received++;
    });
    assert(error instanceof OpenAI.APIError, `${error}`);
    assertEquals(received, 3);
    if ("drop_after_tokens" in script) assertEquals(error.code, "UPSTREAM_ERROR");
  }
  await settled(stack);
});
