/**
 * The official `openai` SDK, unchanged: only the base URL and the key are ours.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import OpenAI from "openai";
import { ask, chargeOf } from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { ordering, settled, whatWasAsked } from "./clients_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

function sdk(person: TestUser, options: { defaultHeaders?: Record<string, string> } = {}): OpenAI {
  return new OpenAI({
    baseURL: `${stack.functionsUrl}/chat-proxy/v1`,
    apiKey: person.token,
    ...options,
  });
}

type Chat = OpenAI.ChatCompletionCreateParamsNonStreaming;
type StreamedChat = OpenAI.ChatCompletionCreateParamsStreaming;
const chat = (body: unknown): Chat => body as Chat;
const streamed = (body: object): StreamedChat => ({ ...body, stream: true }) as StreamedChat;

const WEATHER = {
  tools: [{
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather of a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  }],
};

function functionCall(answer: OpenAI.ChatCompletion) {
  const call = answer.choices[0]?.message.tool_calls?.[0];
  if (call?.type !== "function") {
    throw new Error(`No function is called: ${JSON.stringify(answer)}`);
  }
  return call;
}

Deno.test("the SDK gets a whole answer, with its cost and the balance in the headers", async () => {
  const person = await stack.signUp();
  const { data, response } = await sdk(person).chat.completions
    .create(chat(ordering({ prompt_tokens: 40, output_tokens: 20 }))).withResponse();

  assertEquals(data.choices[0]?.finish_reason, "stop");
  assert(data.choices[0]?.message.content);
  assertEquals(data.usage?.completion_tokens, 20);
  // 40 × 0.0025 / 1000 + 20 × 0.01 / 1000
  assertEquals(response.headers.get("x-cost"), "0.0003");
  assertEquals(response.headers.get("x-balance"), "9.9997");
  const requestId = response.headers.get("x-request-id")!;
  assertMatch(requestId, /^[0-9a-f-]{36}$/);
  assertEquals((data as { _request_id?: string })._request_id, requestId);
  assertEquals((await ask(stack, person)).balance, 9.9997);
});

Deno.test("the SDK streams an answer chunk by chunk, and the charge is of what it reported", async () => {
  const person = await stack.signUp();
  const { data, response } = await sdk(person).chat.completions
    .create(streamed(ordering({ text: "One two three.", prompt_tokens: 10 }))).withResponse();
  const texts: string[] = [];
  for await (const chunk of data) {
    assertEquals(chunk.choices.length, 1, "every chunk has its choice");
    assertEquals(chunk.usage ?? null, null, "nobody asked for usage");
    const text = chunk.choices[0]?.delta.content;
    if (text) texts.push(text);
  }
  assertEquals(texts.join(""), "One two three.");
  assert(texts.length > 1);
  const charge = await chargeOf(stack.sql, response.headers.get("x-request-id")!);
  assertEquals(charge.basis, "reported");
  assertEquals(charge.output_tokens, texts.length);
});

Deno.test("without stream_options.include_usage the SDK sees no usage, asked for or not by null", async () => {
  const person = await stack.signUp();
  for (const more of [{}, { stream_options: null }, { stream_options: { include_usage: false } }]) {
    const chunks = await Array.fromAsync(
      await sdk(person).chat.completions.create(streamed(ordering({ output_tokens: 5 }, more))),
    );
    assertEquals(chunks.filter((chunk) => chunk.choices.length === 0), []);
    assertEquals(chunks.filter((chunk) => chunk.usage), []);
  }
});

Deno.test("with stream_options.include_usage the last chunk of the SDK is the usage, once", async () => {
  const person = await stack.signUp();
  const body = ordering(
    { output_tokens: 5, prompt_tokens: 7 },
    { stream_options: { include_usage: true } },
  );
  const chunks = await Array.fromAsync(await sdk(person).chat.completions.create(streamed(body)));
  const reports = chunks.filter((chunk) => chunk.usage);
  assertEquals(reports.length, 1);
  assertEquals(chunks.at(-1), reports[0]);
  assertEquals(reports[0]?.choices, []);
  assertEquals(reports[0]?.usage?.prompt_tokens, 7);
  assertEquals(reports[0]?.usage?.completion_tokens, 5);
});

Deno.test("the SDK gets a tool call, whole and streamed, and can answer it", async () => {
  const person = await stack.signUp();
  const asked = { ...ordering({ call_tool: true }), ...WEATHER };
  const whole = await sdk(person).chat.completions.create(chat(asked));
  assertEquals(whole.choices[0]?.finish_reason, "tool_calls");
  const call = functionCall(whole);
  assertEquals(call.function.name, "get_weather");
  assertEquals(JSON.parse(call.function.arguments), { city: "Zürich" });

  const stream = sdk(person).chat.completions.stream(
    asked as Parameters<OpenAI["chat"]["completions"]["stream"]>[0],
  );
  const final = await stream.finalChatCompletion();
  const streamedFunction = functionCall(final).function;
  assertEquals(streamedFunction.name, call.function.name);
  assertEquals(streamedFunction.arguments, call.function.arguments);

  const answer = await sdk(person).chat.completions.create(chat({
    ...ordering({ text: "Rain." }, WEATHER),
    messages: [
      { role: "user", content: 'Weather? [[demo: {"text": "Rain."}]]' },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: call.id, content: "Rain" },
    ],
  }));
  assertEquals(answer.choices[0]?.message.content, "Rain.");
});

Deno.test("runTools runs a tool and asks on until there is an answer, streamed or not", async () => {
  const person = await stack.signUp();
  const cities: string[] = [];
  const asked = {
    model: "openai:gpt-4o",
    messages: [{ role: "user", content: 'The weather? [[demo: {"text": "Rain."}]]' } as const],
    tools: [{
      type: "function" as const,
      function: {
        ...WEATHER.tools[0]!.function,
        parse: (json: string): { city: string } => JSON.parse(json),
        function: ({ city }: { city: string }) => void cities.push(city),
      },
    }],
  };
  const { completions } = sdk(person).chat;
  assertEquals(await completions.runTools(asked).finalContent(), "Rain.");
  const streaming = completions.runTools({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  });
  assertEquals(await streaming.finalContent(), "Rain.");
  assertEquals(cities, ["Zürich", "Zürich"]);
  const used = await streaming.totalUsage();
  const charged = await until("four charges", async () => {
    const rows = await stack.sql`
      select input_tokens, output_tokens from public.usage_records
      where user_id = ${person.id} order by created_at`;
    return rows.length === 4 && rows;
  });
  const [third, fourth] = charged.slice(2);
  assertEquals(used.prompt_tokens, third?.["input_tokens"] + fourth?.["input_tokens"]);
  assertEquals(used.completion_tokens, third?.["output_tokens"] + fourth?.["output_tokens"]);
});

Deno.test("max_tokens and max_completion_tokens limit the answer, streamed or not, with finish length", async () => {
  const person = await stack.signUp();
  for (const limit of [{ max_tokens: 6 }, { max_completion_tokens: 6 }]) {
    const body = ordering({ output_tokens: 50 }, limit);
    const whole = await sdk(person).chat.completions.create(chat(body));
    assertEquals(whole.usage?.completion_tokens, 6);
    assertEquals(whole.choices[0]?.finish_reason, "length");

    const { data, response } = await sdk(person).chat.completions
      .create(streamed(body)).withResponse();
    const chunks = await Array.fromAsync(data);
    assertEquals(chunks.at(-1)?.choices[0]?.finish_reason, "length");
    assertEquals(
      (await chargeOf(stack.sql, response.headers.get("x-request-id")!)).output_tokens,
      6,
    );
    // The user's own limit is no news to them.
    assertEquals(response.headers.get("x-output-limited-by"), null);
  }
});

Deno.test("abort() in mid-stream is charged once, for about what was received", async () => {
  const person = await stack.signUp();
  const controller = new AbortController();
  const { data, response } = await sdk(person).chat.completions.create(
    streamed(ordering({ output_tokens: 2_000, token_ms: 5, prompt_tokens: 20 })),
    { signal: controller.signal },
  ).withResponse();
  let received = 0;
  for await (const chunk of data) {
    if (chunk.choices[0]?.delta.content) received++;
    if (received === 60) controller.abort();
  }
  const charge = await chargeOf(stack.sql, response.headers.get("x-request-id")!);
  assertEquals(charge.basis, "estimated");
  assert(
    charge.output_tokens >= 45 && charge.output_tokens <= 120,
    `received ${received}, charged ${charge.output_tokens}`,
  );
  await until(
    "the provider to be told to stop",
    async () => (await whatWasAsked(stack)).at(-1)?.state === "cancelled",
  );
  await settled(stack);
});

Deno.test("models.list() names every model that can be asked, with its price", async () => {
  const person = await stack.signUp();
  const page = await sdk(person).models.list();
  const models = page.data as (OpenAI.Model & { pricing: Record<string, string> })[];
  assertEquals(models.length, 23);
  const gpt4o = models.find((model) => model.id === "openai:gpt-4o");
  assertEquals(gpt4o?.owned_by, "openai");
  assertEquals(gpt4o?.pricing.input_per_1k, "0.0025");
  for (const model of models) {
    const answer = await sdk(person).chat.completions.create(
      chat({ ...ordering({ output_tokens: 2, reasoning_tokens: 0 }), model: model.id }),
    );
    assertEquals(answer.usage?.completion_tokens, 2, model.id);
  }
  await settled(stack);
});

Deno.test("a model answers to provider:model, provider/model and its bare name", async () => {
  const person = await stack.signUp();
  for (const model of ["openai:gpt-4o", "openai/gpt-4o", "gpt-4o"]) {
    const answer = await sdk(person).chat.completions.create(
      chat({ ...ordering({ output_tokens: 1 }), model }),
    );
    assert(answer.model.startsWith("gpt-4o"), answer.model);
    assertEquals(((await whatWasAsked(stack)).at(-1)?.body as { model: string }).model, "gpt-4o");
  }
});
