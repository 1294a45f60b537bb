/**
 * Vercel's `ai` with each of its providers, unchanged: text, tools, objects, errors, abort. Only the
 * base URL and the key are ours.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  APICallError,
  generateText,
  jsonSchema,
  type LanguageModel,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { setBalance } from "../support/charges.ts";
import type { TestUser } from "../support/stack.ts";
import { AI_PROVIDERS, type AiProvider } from "./ai_sdk_providers.ts";
import { settled } from "./clients_harness.ts";
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

/** One provider of each dialect, where the rest differ in nothing. */
const DIALECTS = ["openai, chat", "openai, responses", "anthropic", "google, by a bare name"]
  .map((name) => AI_PROVIDERS.find((provider) => provider.name === name)!);

function modelOf(
  provider: AiProvider,
  { token }: Pick<TestUser, "token">,
  name = provider.asked,
): LanguageModel {
  const baseURL = `${stack.functionsUrl}/chat-proxy/${provider.version ?? "v1"}`;
  return provider.model({ baseURL, apiKey: token }, name);
}

/** One test for each provider; they differ in nothing else. */
function eachProvider(
  promise: string,
  test: (provider: AiProvider) => Promise<void>,
  providers = AI_PROVIDERS,
) {
  for (const provider of providers) {
    Deno.test(`ai with ${provider.name}: ${promise}`, () => test(provider));
  }
}

const ASKED = ordered({
  text: "One two three four five.",
  prompt_tokens: 40,
  cached_tokens: 8,
  reasoning_tokens: 5,
});
const OUTPUT_TOKENS = 6 + 5;

eachProvider("text comes whole and streamed, its usage is what is charged", async (provider) => {
  const user = await stack.signUp();
  const model = modelOf(provider, user);
  const whole = await generateText({ model, prompt: ASKED, maxRetries: 0 });
  assertEquals([whole.text, whole.finishReason], ["One two three four five.", "stop"]);

  const streamed = streamText({ model, prompt: ASKED, maxRetries: 0 });
  const deltas = await Array.fromAsync(streamed.textStream);
  assertEquals(deltas.join(""), "One two three four five.");
  assert(deltas.length > 1, "it came in pieces");
  for (const usage of [whole.usage, await streamed.usage]) {
    assertEquals([usage.inputTokens, usage.outputTokens], [40, OUTPUT_TOKENS]);
    // Perplexity's package knows of no cache.
    assertEquals(usage.inputTokenDetails.cacheReadTokens ?? 8, 8);
  }

  const charge = { model: provider.charged, input: 32, cache_read: 8, output: OUTPUT_TOKENS };
  await assertCharged(stack, user, [charge, charge]);
});

const tools = {
  get_weather: tool({
    description: "The weather of a city",
    inputSchema: jsonSchema<{ city: string }>(WEATHER_SCHEMA),
    execute: ({ city }) => `Rain in ${city}`,
  }),
};

eachProvider("a tool is called and its result answered, whole and streamed", async (provider) => {
  const user = await stack.signUp();
  const asking = {
    model: modelOf(provider, user),
    prompt: ordered({ text: "Take an umbrella." }, "How is the weather?"),
    stopWhen: stepCountIs(3),
    maxRetries: 0,
    tools,
  };
  const whole = await generateText(asking);
  const streamed = streamText(asking);
  assertEquals([whole.text, await streamed.text], ["Take an umbrella.", "Take an umbrella."]);
  for (const steps of [whole.steps, await streamed.steps]) {
    assertEquals(steps.length, 2);
    assertEquals(steps[0]?.toolCalls.map(({ input }) => input), [{ city: CITY }]);
    assertEquals(steps[0]?.toolResults.map(({ output }) => output), [`Rain in ${CITY}`]);
  }
  const used = [...whole.steps, ...await streamed.steps].map(({ usage }) => usage);
  const charges = await chargesOfUser(stack, user, 4);
  assertEquals(
    charges.map(({ tokens }) => [tokens.input + tokens.cache_read, tokens.output]),
    used.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens]),
  );
  await assertPaid(stack, user, charges);
}, AI_PROVIDERS.filter(({ hasTools }) => hasTools !== false));

eachProvider(
  "refusals are APICallErrors with our code and message, tried once",
  async (provider) => {
    const [user, poor] = [await stack.signUp(), await stack.signUp()];
    await setBalance(stack, poor, "0");
    const unknown = provider.asked.replace(/[\w.-]+$/, "no-such-model");
    const cases = [
      [modelOf(provider, { token: "not-a-token" }), 401, "UNAUTHENTICATED"],
      [modelOf(provider, poor), 402, "INSUFFICIENT_BALANCE"],
      [modelOf(provider, user, unknown), 404, "MODEL_NOT_FOUND"],
    ] as const;
    for (const [model, status, code] of cases) {
      const whole = await assertRejects(() => generateText({ model, prompt: "Hello" }));
      let streamed: unknown;
      await streamText({ model, prompt: "Hello", onError: ({ error }) => void (streamed = error) })
        .consumeStream();
      for (const error of [whole, streamed]) {
        assert(APICallError.isInstance(error), `${error}`);
        assertEquals([error.statusCode, error.isRetryable], [status, false]);
        const body = JSON.parse(error.responseBody ?? "");
        assertEquals(body.code, code);
        if (provider.readsErrors !== false) assertEquals(error.message, body.message);
      }
    }
    await assertFree(stack, user);
  },
);

Deno.test("ai: abort in mid-stream is settled and charged once, by whether the provider bills on", async () => {
  // All at once: what is drained takes its time.
  await Promise.all(AI_PROVIDERS.map(async (provider) => {
    const user = await stack.signUp();
    const controller = new AbortController();
    const { textStream } = streamText({
      model: modelOf(provider, user),
      prompt: ordered({ output_tokens: 400, reasoning_tokens: 0, prompt_tokens: 20, token_ms: 5 }),
      abortSignal: controller.signal,
      onError: () => {},
    });
    let received = 0;
    for await (const _ of textStream) if (++received === 40) controller.abort();
    const [charge] = await chargesOfUser(stack, user, 1);
    const { basis, tokens, model } = charge!;
    assertEquals(model, provider.charged);
    if (provider.onAbort === "drain") {
      assertEquals([basis, tokens.input, tokens.output], ["reported", 20, 400], provider.name);
    } else {
      const told = `${provider.name}: received ${received}, charged ${tokens.output} as ${basis}`;
      assert(basis === "estimated" && tokens.output >= 25 && tokens.output <= 150, told);
    }
    await assertPaid(stack, user, [charge!]);
  }));
  await settled(stack);
});

Deno.test("ai: objects come whole and streamed where the provider has schemas", async () => {
  const user = await stack.signUp();
  const schema = jsonSchema<{ city: string }>({ ...WEATHER_SCHEMA, additionalProperties: false });
  for (const provider of DIALECTS) {
    const asking = {
      model: modelOf(provider, user),
      prompt: ordered({ text: '{"city": "Bern"}' }),
      output: Output.object({ schema }),
    };
    assertEquals((await generateText(asking)).output, { city: "Bern" }, provider.name);
    assertEquals(await streamText(asking).output, { city: "Bern" }, provider.name);
  }
  await assertPaid(stack, user, await chargesOfUser(stack, user, 2 * DIALECTS.length));
});

Deno.test("ai: a stream that the provider breaks off ends with our error, charged for what came", async () => {
  for (const provider of DIALECTS) {
    const user = await stack.signUp();
    const errors: unknown[] = [];
    const { text, finishReason } = streamText({
      model: modelOf(provider, user),
      prompt: ordered({ output_tokens: 90, drop_after_tokens: 40, token_ms: 1 }),
      onError: ({ error }) => void errors.push(error),
    });
    assert((await text).length > 100, provider.name);
    assertEquals([errors.length, await finishReason], [1, "error"], provider.name);
    assertMatch(String(errors[0]), /The provider broke off\. What was received is charged/);
    await assertPaid(stack, user, await chargesOfUser(stack, user, 1));
  }
});

Deno.test("ai: thoughts are shown where the provider shows them, and are charged within the output", async () => {
  const user = await stack.signUp();
  const shown = [
    ["anthropic", { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } }],
    ["google, by a bare name", { google: { thinkingConfig: { includeThoughts: true } } }],
    ["openai, responses", { openai: { reasoningSummary: "auto" } }],
    ["deepseek", {}, "deepseek-reasoner"],
  ] as const;
  for (const [name, providerOptions, asked] of shown) {
    const provider = AI_PROVIDERS.find((provider) => provider.name === name)!;
    const prompt = ordered({ text: "Yes.", reasoning_tokens: 30 });
    const asking = { model: modelOf(provider, user, asked), prompt, providerOptions };
    const whole = await generateText(asking);
    const streamed = streamText(asking);
    for (const text of [whole.reasoningText, await streamed.reasoningText]) {
      assertMatch(text ?? "", /The user asks/, name);
    }
    assertEquals([whole.usage.outputTokens, (await streamed.usage).outputTokens], [32, 32], name);
  }
  const charges = await chargesOfUser(stack, user, 2 * shown.length);
  assertEquals(charges.map(({ tokens }) => tokens.output), charges.map(() => 32));
  await assertPaid(stack, user, charges);
});

Deno.test("ai: a 429 is tried again, another model answers by a header, and a 400 is the provider's own", async () => {
  const user = await stack.signUp();
  const model = modelOf(AI_PROVIDERS[0]!, user);
  const script = { prompt_tokens: 9, output_tokens: 2, retry_after: 0 };
  // The proxy asks three times before it gives up; the SDK waits for as long as it is told to.
  const limited = { ...script, fail: 429, fail_times: 3, key: `429 for ${user.id}` };
  assertEquals((await generateText({ model, prompt: ordered(limited) })).usage.outputTokens, 2);
  const { response } = await generateText({
    model,
    prompt: ordered({ ...script, fail: 500, fail_model: "gpt-4o" }),
    headers: { "x-fallback-models": "openai:gpt-4o-mini" },
  });
  assertMatch(response.modelId, /^gpt-4o-mini/);
  const error = await assertRejects(
    () => generateText({ model, prompt: ordered({ fail: 400 }) }),
    APICallError,
  );
  assertEquals([error.statusCode, error.isRetryable], [400, false]);
  assertMatch(error.message, /\S{3,}/);
  await assertCharged(stack, user, [
    { model: "openai:gpt-4o", input: 9, output: 2 },
    { model: "openai:gpt-4o-mini", input: 9, output: 2 },
  ]);
});
