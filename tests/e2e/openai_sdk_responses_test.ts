/**
 * The official `openai` SDK's Responses API, unchanged, and what happens behind its back: retries and
 * models to fall back on.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { setBalance } from "../support/charges.ts";
import type { TestUser } from "../support/stack.ts";
import { settled, whatWasAsked } from "./clients_harness.ts";
import {
  assertCharged,
  assertFree,
  assertPaid,
  chargesOfUser,
  CITY,
  ordered,
  startSdkStack,
  WEATHER_SCHEMA,
} from "./sdk_harness.ts";

const stack = await startSdkStack();
Deno.test.afterAll(() => stack.stop());

const MODEL = "openai:gpt-5-mini";

function sdk({ token }: Pick<TestUser, "token">, defaultHeaders: Record<string, string> = {}) {
  return new OpenAI({
    baseURL: `${stack.functionsUrl}/chat-proxy/v1`,
    apiKey: token,
    defaultHeaders,
  });
}

const ASKED = ordered({
  text: "One two three.",
  prompt_tokens: 40,
  cached_tokens: 8,
  reasoning_tokens: 5,
});
const CHARGED = { model: MODEL, input: 32, cache_read: 8, output: 4 + 5 };

function assertUsage(usage: OpenAI.Responses.ResponseUsage | undefined) {
  assertEquals(
    [
      usage?.input_tokens,
      usage?.input_tokens_details.cached_tokens,
      usage?.output_tokens,
      usage?.output_tokens_details.reasoning_tokens,
      usage?.total_tokens,
    ],
    [40, 8, 9, 5, 49],
  );
}

Deno.test("responses.create: the text, the usage, and a charge of just that", async () => {
  const user = await stack.signUp();
  const response = await sdk(user).responses.create({ model: MODEL, input: ASKED });
  assertEquals([response.output_text, response.status], ["One two three.", "completed"]);
  assertUsage(response.usage);
  const [charge] = await assertCharged(stack, user, [CHARGED]);
  assertEquals(response._request_id, charge?.requestId);
});

Deno.test("responses.stream: helper and raw events alike, and finalResponse has all", async () => {
  const user = await stack.signUp();
  const stream = sdk(user).responses.stream({ model: MODEL, input: ASKED });
  const deltas: string[] = [];
  stream.on("response.output_text.delta", ({ delta }) => void deltas.push(delta));
  const final = await stream.finalResponse();
  assertEquals([deltas.join(""), final.output_text], ["One two three.", "One two three."]);
  assert(deltas.length > 1);
  assertUsage(final.usage);

  const events = await Array.fromAsync(
    await sdk(user).responses.create({ model: MODEL, input: ASKED, stream: true }),
  );
  assertEquals([events[0]?.type, events.at(-1)?.type], ["response.created", "response.completed"]);
  assertEquals(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
    "nothing is missing and nothing is ours",
  );
  await assertCharged(stack, user, [CHARGED, CHARGED]);
});

function callOf({ output }: OpenAI.Responses.Response) {
  for (const item of output) if (item.type === "function_call") return item;
  throw new Error(`No function is called: ${JSON.stringify(output)}`);
}

Deno.test("a function is called and its output answered, whole and streamed", async () => {
  const user = await stack.signUp();
  const tools: OpenAI.Responses.Tool[] = [
    { type: "function", name: "get_weather", parameters: WEATHER_SCHEMA, strict: false },
  ];
  const question = { role: "user", content: ordered({ text: "Rain." }, "The weather?") } as const;
  const { responses } = sdk(user);
  const asking = { model: "openai/gpt-4o", tools, input: [question] };
  const used = [];
  for (
    const ask of [
      (body: typeof asking) => responses.create(body),
      (body: typeof asking) => responses.stream(body).finalResponse(),
    ]
  ) {
    const first = await ask(asking);
    const call = callOf(first);
    assertEquals([call.name, JSON.parse(call.arguments)], ["get_weather", { city: CITY }]);
    const second = await responses.create({
      ...asking,
      input: [
        question,
        ...first.output as OpenAI.Responses.ResponseInputItem[],
        { type: "function_call_output", call_id: call.call_id, output: "Rain" },
      ],
    });
    assertEquals(second.output_text, "Rain.");
    used.push(first.usage, second.usage);
  }
  const charges = await chargesOfUser(stack, user, 4);
  assertEquals(
    charges.map(({ tokens }) => [tokens.input + tokens.cache_read, tokens.output]),
    used.map((usage) => [usage?.input_tokens, usage?.output_tokens]),
  );
  await assertPaid(stack, user, charges);
});

Deno.test("max_output_tokens ends a response as incomplete, charged for what it has", async () => {
  const user = await stack.signUp();
  const input = ordered({ output_tokens: 50, prompt_tokens: 10 });
  const asking = { model: "openai:gpt-4.1-mini", input, max_output_tokens: 16 };
  const whole = await sdk(user).responses.create(asking);
  const streamed = await sdk(user).responses.stream(asking).finalResponse();
  for (const { status, incomplete_details } of [whole, streamed]) {
    assertEquals([status, incomplete_details?.reason], ["incomplete", "max_output_tokens"]);
  }
  const charge = { model: asking.model, input: 10, output: 16 };
  await assertCharged(stack, user, [charge, charge]);
});

Deno.test("refusals of responses raise the SDK's own classes, with our code, and cost nothing", async () => {
  const [user, poor] = [await stack.signUp(), await stack.signUp()];
  await setBalance(stack, poor, "0");
  const asking = { model: MODEL, input: "Hello" };
  const cases = [
    [sdk({ token: "none" }), asking, OpenAI.AuthenticationError, 401, "UNAUTHENTICATED"],
    [sdk(poor), asking, OpenAI.APIError, 402, "INSUFFICIENT_BALANCE"],
    [sdk(user), { ...asking, model: "gpt-0" }, OpenAI.NotFoundError, 404, "MODEL_NOT_FOUND"],
    [sdk(user), { ...asking, background: true }, OpenAI.BadRequestError, 400, "INVALID_REQUEST"],
  ] as const;
  for (const [client, body, errorClass, status, code] of cases) {
    for (const stream of [false, true]) {
      const error = await assertRejects(
        () => client.responses.create({ ...body, stream }) as Promise<unknown>,
        errorClass,
      );
      assertEquals([error.status, error.code], [status, code]);
      assertMatch(error.message, /^\d{3} [A-Z].*[.?]$/);
      assertMatch(error.requestID ?? "", /^[0-9a-f-]{36}$/);
    }
  }
  await assertFree(stack, user);
});

Deno.test("an error in mid-stream is raised out of the loop over events, and what came is charged", async () => {
  const user = await stack.signUp();
  const input = ordered({ output_tokens: 90, token_ms: 1, drop_after_tokens: 40 });
  const stream = await sdk(user).responses.create({ model: "gpt-4.1-mini", input, stream: true });
  let received = 0;
  const error = await assertRejects(async () => {
    for await (const { type } of stream) if (type === "response.output_text.delta") received++;
  }, OpenAI.APIError);
  assertEquals([received, error.code], [40, "UPSTREAM_ERROR"]);
  const [charge] = await chargesOfUser(stack, user, 1);
  assertEquals(charge?.basis, "estimated");
  await assertPaid(stack, user, [charge!]);
});

Deno.test("abort of a response is charged for about what was received; of hidden thoughts, for all", async () => {
  const input = ordered({
    output_tokens: 300,
    reasoning_tokens: 0,
    prompt_tokens: 20,
    token_ms: 4,
  });
  for (const model of ["openai:gpt-4.1-mini", "openai:gpt-5-mini"]) {
    const user = await stack.signUp();
    const stream = await sdk(user).responses.create({ model, input, stream: true });
    let received = 0;
    for await (const { type } of stream) {
      if (type === "response.output_text.delta" && ++received === 60) stream.controller.abort();
    }
    const [charge] = await chargesOfUser(stack, user, 1);
    const { basis, tokens } = charge!;
    if (model === "openai:gpt-5-mini") assertEquals([basis, tokens.output], ["reported", 300]);
    else {assert(
        basis === "estimated" && tokens.output >= 45 && tokens.output <= 150,
        `${received}`,
      );}
    await assertPaid(stack, user, [charge!]);
  }
  await settled(stack);
});

Deno.test("a provider that fails twice is asked again behind the SDK's back, and a 429 by the SDK", async () => {
  const user = await stack.signUp();
  const client = sdk(user);
  const failing = (fail: number, fail_times: number) => ({
    model: "openai:gpt-4o",
    input: ordered({
      ...{ fail, fail_times, retry_after: 0, key: `${fail} for ${user.id}` },
      ...{ prompt_tokens: 9, output_tokens: 2 },
    }),
  });
  // Two retries are the proxy's own, so the third try is its answer.
  const once = await client.responses.create(failing(503, 2), { maxRetries: 0 });
  assertEquals(once.usage?.output_tokens, 2);
  // With six failures the proxy gives up twice, and the SDK comes again unless it is told not to.
  const { token } = await stack.signUp();
  const error = await assertRejects(
    () => sdk({ token }).responses.create(failing(429, 6), { maxRetries: 0 }),
    OpenAI.RateLimitError,
  );
  assertEquals([error.code, error.headers.get("retry-after")], ["TOO_MANY_REQUESTS", "1"]);
  const twice = await client.responses.create(failing(429, 6));
  assertEquals(twice.usage?.output_tokens, 2);
  const charge = { model: "openai:gpt-4o", input: 9, output: 2 };
  await assertCharged(stack, user, [charge, charge]);
});

Deno.test("models to fall back on are named by a header or in the body, and who answers is charged", async () => {
  const user = await stack.signUp();
  const header = { "x-fallback-models": "anthropic:claude-haiku-4-5, openai:gpt-4o-mini" };
  const content = ordered({
    ...{ fail: 500, fail_model: "gpt-4o", retry_after: 0 },
    ...{ prompt_tokens: 9, output_tokens: 2 },
  });
  const messages = [{ role: "user", content } as const];
  const chat = await sdk(user, header).chat.completions.create({ model: "openai/gpt-4o", messages })
    .withResponse();
  assertMatch(chat.data.model, /^claude-haiku-4-5/);
  assertEquals(chat.response.headers.get("x-model"), "anthropic:claude-haiku-4-5");
  const models = { models: ["openai:gpt-4o-mini"] };
  const { data: stream, response } = await sdk(user).chat.completions
    .create({ model: "openai/gpt-4o", messages, stream: true, ...models }).withResponse();
  for await (const chunk of stream) assertMatch(chunk.model, /^gpt-4o-mini/);
  assertEquals(response.headers.get("x-model"), "openai:gpt-4o-mini");
  const whole = await sdk(user).responses.create({
    model: "openai/gpt-4o",
    input: content,
    ...models,
  });
  assertMatch(whole.model, /^gpt-4o-mini/);
  assertEquals("models" in ((await whatWasAsked(stack)).at(-1)?.body as object), false);
  const mini = { model: "openai:gpt-4o-mini", input: 9, output: 2 };
  await assertCharged(stack, user, [
    { model: "anthropic:claude-haiku-4-5", input: 9, output: 2 },
    mini,
    mini,
  ]);
});
