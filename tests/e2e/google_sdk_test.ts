/**
 * The official `@google/genai`, unchanged: content, streams, chats, functions. Only the base URL and
 * the key are ours.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  ApiError,
  type Content,
  type GenerateContentParameters,
  type GenerateContentResponse,
  GoogleGenAI,
  type HttpOptions,
} from "@google/genai";
import { setBalance } from "../support/charges.ts";
import type { TestUser } from "../support/stack.ts";
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

const MODEL = "google:gemini-2.5-flash";

function sdk({ token }: Pick<TestUser, "token">, httpOptions: HttpOptions = {}) {
  const baseUrl = `${stack.functionsUrl}/chat-proxy`;
  return new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl, ...httpOptions } });
}

type Asking = GenerateContentParameters;

/** Whole and streamed; of a stream its texts are joined, and the rest is its last chunk's. */
function waysToAsk({ models }: GoogleGenAI) {
  return [
    async (asking: Asking) => told(await models.generateContent(asking)),
    async (asking: Asking) => {
      const chunks = await Array.fromAsync(await models.generateContentStream(asking));
      const text = chunks.map((chunk) => chunk.text ?? "").join("");
      return { ...told(chunks.at(-1)), text, chunks: chunks.length };
    },
  ];
}

function told(answer: GenerateContentResponse | undefined) {
  return {
    text: answer?.text,
    finish: answer?.candidates?.[0]?.finishReason as string | undefined,
    usage: answer?.usageMetadata,
    chunks: 1,
  };
}

const ASKED = ordered({
  text: "One two three.",
  prompt_tokens: 40,
  cached_tokens: 8,
  reasoning_tokens: 5,
});
const CHARGED = { model: MODEL, input: 32, cache_read: 8, output: 4 + 5, finish: "STOP" };

Deno.test("generateContent and its stream, at every version of the API: text, usage, and a charge of just that", async () => {
  const user = await stack.signUp();
  const versions = [{}, { apiVersion: "v1" }, { apiVersion: "v1beta" }, { apiVersion: "v1alpha" }];
  for (const options of versions) {
    for (const ask of waysToAsk(sdk(user, options))) {
      const { text, finish, usage } = await ask({ model: MODEL, contents: ASKED });
      assertEquals([text, finish], ["One two three.", "STOP"]);
      assertEquals(
        [
          usage?.promptTokenCount,
          usage?.cachedContentTokenCount,
          usage?.candidatesTokenCount,
          usage?.thoughtsTokenCount,
        ],
        [40, 8, 4, 5],
      );
    }
  }
  await assertCharged(stack, user, Array(2 * versions.length).fill(CHARGED));
});

Deno.test("a model answers to provider:model, provider/model, its bare name and models/…", async () => {
  const user = await stack.signUp();
  const name = "gemini-2.5-flash";
  for (const model of [MODEL, `google/${name}`, name, `models/${name}`]) {
    for (const ask of waysToAsk(sdk(user))) {
      assertEquals((await ask({ model, contents: ASKED })).text, "One two three.", model);
    }
  }
  await assertCharged(stack, user, Array(8).fill(CHARGED));
});

Deno.test("a function is called and its response answered, whole and streamed", async () => {
  const user = await stack.signUp();
  const { models } = sdk(user);
  const config = {
    tools: [{
      functionDeclarations: [{ name: "get_weather", parametersJsonSchema: WEATHER_SCHEMA }],
    }],
  };
  const question: Content = {
    role: "user",
    parts: [{ text: ordered({ text: "Rain." }, "How is the weather?") }],
  };
  const asking = { model: MODEL, config };
  const first = await models.generateContent({ ...asking, contents: [question] });
  const stream = await models.generateContentStream({ ...asking, contents: [question] });
  const calls = (await Array.fromAsync(stream)).flatMap((chunk) => chunk.functionCalls ?? []);
  assertEquals(first.functionCalls?.map(({ args }) => args), [{ city: CITY }]);
  assertEquals(calls.map(({ name, args }) => [name, args]), [["get_weather", { city: CITY }]]);
  const response = { name: "get_weather", response: { weather: "Rain" } };
  const second = await models.generateContent({
    ...asking,
    contents: [
      question,
      first.candidates![0]!.content!,
      { role: "user", parts: [{ functionResponse: response }] },
    ],
  });
  assertEquals(second.text, "Rain.");
  await assertPaid(stack, user, await chargesOfUser(stack, user, 3));
});

Deno.test("a chat keeps its turns, sent whole and streamed", async () => {
  const user = await stack.signUp();
  const chat = sdk(user).chats.create({ model: MODEL });
  const script = { text: "Yes.", prompt_tokens: 10, reasoning_tokens: 0 };
  assertEquals((await chat.sendMessage({ message: ordered(script) })).text, "Yes.");
  const stream = await chat.sendMessageStream({ message: ordered({ ...script, text: "No." }) });
  const texts = (await Array.fromAsync(stream)).map(({ text }) => text ?? "");
  assertEquals(texts.join(""), "No.");
  assertEquals(
    chat.getHistory(true).map(({ role }) => role)
      .filter((role, index, roles) => role !== roles[index - 1]), // A turn may have several pieces.
    ["user", "model", "user", "model"],
  );
  const charge = { model: MODEL, input: 10, output: 2 };
  await assertCharged(stack, user, [charge, charge]);
});

Deno.test("maxOutputTokens ends an answer with MAX_TOKENS, charged for what it has", async () => {
  const user = await stack.signUp();
  const contents = ordered({ output_tokens: 50, prompt_tokens: 10, reasoning_tokens: 0 });
  for (const ask of waysToAsk(sdk(user))) {
    const asking = { model: "gemini-2.5-flash-lite", contents, config: { maxOutputTokens: 6 } };
    const { finish, usage } = await ask(asking);
    assertEquals([finish, usage?.candidatesTokenCount], ["MAX_TOKENS", 6]);
  }
  const charge = { model: "google:gemini-2.5-flash-lite", input: 10, output: 6 };
  await assertCharged(stack, user, [charge, charge]);
});

Deno.test("refusals raise ApiError with our code and a sentence, and cost nothing", async () => {
  const [user, poor] = [await stack.signUp(), await stack.signUp()];
  await setBalance(stack, poor, "0");
  const asking = { model: MODEL, contents: "Hello" };
  const refused = { ...asking, config: { tools: [{ codeExecution: {} }] } };
  const cases = [
    [sdk({ token: "none" }), asking, 401, "UNAUTHENTICATED"],
    [sdk(poor), asking, 402, "INSUFFICIENT_BALANCE"],
    [sdk(user), { ...asking, model: "gemini-0" }, 404, "MODEL_NOT_FOUND"],
    [sdk(user), refused, 400, "INVALID_REQUEST"],
  ] as const;
  for (const [client, asking, status, code] of cases) {
    for (const ask of waysToAsk(client)) {
      const error = await assertRejects(() => ask(asking), ApiError);
      assertEquals(error.status, status);
      // The SDK makes the whole body its message.
      const body = JSON.parse(error.message);
      assertEquals([body.code, body.error.details[0].reason], [code, code]);
      assertMatch(body.error.message, /^[A-Z].*[.?]$/);
    }
  }
  await assertFree(stack, user);
});

Deno.test("an error in mid-stream is raised out of the loop over chunks, and what came is charged", async () => {
  const user = await stack.signUp();
  const contents = ordered({ output_tokens: 90, token_ms: 1, drop_after_tokens: 40 });
  const stream = await sdk(user).models.generateContentStream({ model: MODEL, contents });
  let text = "";
  const error = await assertRejects(async () => {
    for await (const chunk of stream) text += chunk.text ?? "";
  }, ApiError);
  assertMatch(error.message, /UPSTREAM_ERROR/);
  assert(text !== "");
  await assertPaid(stack, user, await chargesOfUser(stack, user, 1));
});

Deno.test("abort in mid-stream is drained, as Google bills on, and charged as reported", async () => {
  const user = await stack.signUp();
  const controller = new AbortController();
  const stream = await sdk(user).models.generateContentStream({
    model: MODEL,
    contents: ordered({
      ...{ output_tokens: 300, reasoning_tokens: 0, prompt_tokens: 20, token_ms: 4 },
    }),
    config: { abortSignal: controller.signal },
  });
  let received = 0;
  await assertRejects(async () => {
    for await (const _ of stream) if (++received === 3) controller.abort();
  });
  await assertCharged(stack, user, [{ model: MODEL, input: 20, output: 300 }]);
  await settled(stack);
});

Deno.test("a failing provider is asked again behind the SDK's back, and another model by a header", async () => {
  const user = await stack.signUp();
  const script = { prompt_tokens: 9, output_tokens: 2, reasoning_tokens: 0, retry_after: 0 };
  const again = ordered({ ...script, fail: 503, fail_times: 2, key: `503 for ${user.id}` });
  const failing = ordered({ ...script, fail: 500, fail_model: "gemini-2.5-flash" });
  const headers = { "x-fallback-models": "google:gemini-2.5-flash-lite" };
  await sdk(user).models.generateContent({ model: MODEL, contents: again });
  await sdk(user, { headers }).models.generateContent({ model: MODEL, contents: failing });
  await assertCharged(stack, user, [
    { model: MODEL, input: 9, output: 2 },
    { model: "google:gemini-2.5-flash-lite", input: 9, output: 2 },
  ]);
});

Deno.test("models.list() and get() know the models in Google's form, at every version", async () => {
  const user = await stack.signUp();
  for (const options of [{}, { apiVersion: "v1" }, { apiVersion: "v1beta" }]) {
    const { models } = sdk(user, options);
    const all = await Array.fromAsync(await models.list());
    const flash = all.find(({ name }) => name === `models/${MODEL}`);
    assertEquals(flash?.supportedActions, ["generateContent", "streamGenerateContent"]);
    assertEquals((await models.get({ model: MODEL })).name, `models/${MODEL}`);
  }
});
