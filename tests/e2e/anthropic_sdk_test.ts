/**
 * The official `@anthropic-ai/sdk`, unchanged: streaming, tools, thinking, caching. Only the base URL
 * and the key are ours.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import Anthropic from "@anthropic-ai/sdk";
import type { BetaRunnableTool } from "@anthropic-ai/sdk/lib/tools/BetaRunnableTool";
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

const MODEL = "anthropic:claude-sonnet-4-5";

function sdk({ token }: Pick<TestUser, "token">, defaultHeaders: Record<string, string> = {}) {
  const baseURL = `${stack.functionsUrl}/chat-proxy`;
  return new Anthropic({ baseURL, apiKey: token, authToken: null, defaultHeaders });
}

function asking(content: string, more: Partial<Anthropic.MessageCreateParamsNonStreaming> = {}) {
  return {
    model: MODEL,
    max_tokens: 2048,
    messages: [{ role: "user", content } as const],
    ...more,
  };
}

function textOf({ content }: Anthropic.Message): string {
  return content.map((block) => block.type === "text" ? block.text : "").join("");
}

const ASKED = asking(ordered({
  ...{ text: "One two three.", prompt_tokens: 100 },
  ...{ cached_tokens: 30, cache_write_tokens: 20, cache_write_1h_tokens: 10 },
}));
const CHARGED = {
  ...{ model: MODEL, finish: "end_turn" },
  ...{ input: 40, cache_read: 30, cache_write_5m: 20, cache_write_1h: 10, output: 4 },
};

Deno.test("messages.create and stream: the text, every class of the usage, and a charge of just that", async () => {
  const user = await stack.signUp();
  const whole = await sdk(user).messages.create(ASKED);
  const stream = sdk(user).messages.stream(ASKED);
  const deltas: string[] = [];
  stream.on("text", (text) => void deltas.push(text));
  const streamed = await stream.finalMessage();
  assert(deltas.length > 1);
  for (const message of [whole, streamed]) {
    assertEquals([textOf(message), message.stop_reason], ["One two three.", "end_turn"]);
    const { usage } = message;
    assertEquals(
      [
        usage.input_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
        usage.output_tokens,
      ],
      [40, 30, 30, 4],
    );
  }
  const charges = await assertCharged(stack, user, [CHARGED, CHARGED]);
  assertEquals(whole._request_id, charges[0]?.requestId, "request-id is ours");
  assertEquals(stream.request_id, charges[1]?.requestId);
});

Deno.test("a tool is used and its result answered, whole and streamed", async () => {
  const user = await stack.signUp();
  const tools: Anthropic.Tool[] = [{ name: "get_weather", input_schema: WEATHER_SCHEMA }];
  const { messages } = sdk(user);
  const question = asking(ordered({ text: "Rain." }, "How is the weather?"), { tools });
  const used: Anthropic.Usage[] = [];
  for (
    const ask of [
      (body: typeof question) => messages.create(body),
      (body: typeof question) => messages.stream(body).finalMessage(),
    ]
  ) {
    const first = await ask(question);
    assertEquals(first.stop_reason, "tool_use");
    const call = first.content.find((block) => block.type === "tool_use");
    assertEquals([call?.name, call?.input], ["get_weather", { city: CITY }]);
    const second = await messages.create({
      ...question,
      messages: [
        ...question.messages,
        { role: "assistant", content: first.content },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: call!.id, content: "Rain" }],
        },
      ],
    });
    assertEquals(textOf(second), "Rain.");
    used.push(first.usage, second.usage);
  }
  const charges = await chargesOfUser(stack, user, 4);
  assertEquals(
    charges.map(({ tokens }) => [tokens.input, tokens.output]),
    used.map((usage) => [usage.input_tokens, usage.output_tokens]),
  );
  await assertPaid(stack, user, charges);
});

Deno.test("toolRunner runs a tool and asks on, with all messages since no thread is kept", async () => {
  const user = await stack.signUp();
  const cities: unknown[] = [];
  const tool: BetaRunnableTool<{ city: string }> = {
    name: "get_weather",
    input_schema: WEATHER_SCHEMA,
    parse: (input) => input as { city: string },
    run: ({ city }) => {
      cities.push(city);
      return "Rain";
    },
  };
  const asked = asking(ordered({ text: "Rain." }, "How is the weather?"));
  const { messages } = sdk(user).beta;
  for (const stream of [false, true]) {
    const { content } = await messages.toolRunner({ ...asked, tools: [tool], stream });
    assertEquals(content.map((block) => block.type === "text" && block.text), ["Rain."]);
  }
  assertEquals(cities, [CITY, CITY]);
  await assertPaid(stack, user, await chargesOfUser(stack, user, 4));
});

Deno.test("thinking comes in blocks of its own, and is charged within the output", async () => {
  const user = await stack.signUp();
  const body = asking(ordered({ text: "Yes.", prompt_tokens: 10, reasoning_tokens: 50 }), {
    thinking: { type: "enabled", budget_tokens: 1024 },
  });
  const whole = await sdk(user).messages.create(body);
  const stream = sdk(user).messages.stream(body);
  let thought = "";
  stream.on("thinking", (delta) => void (thought += delta));
  const streamed = await stream.finalMessage();
  for (const message of [whole, streamed]) {
    assertEquals(message.content.map(({ type }) => type), ["thinking", "text"]);
    assertEquals(message.usage.output_tokens, 2 + 50);
  }
  const [block] = streamed.content;
  if (block?.type !== "thinking") throw new Error(`Not thinking but ${block?.type}`);
  assertEquals([block.thinking, thought !== "", block.signature !== ""], [thought, true, true]);
  const charge = { model: MODEL, input: 10, output: 52 };
  await assertCharged(stack, user, [charge, charge]);
});

Deno.test("max_tokens ends an answer with max_tokens; another provider's Messages are served alike", async () => {
  const user = await stack.signUp();
  for (
    const model of ["claude-haiku-4-5", "anthropic/claude-haiku-4-5", "deepseek:deepseek-chat"]
  ) {
    const body = asking(ordered({ output_tokens: 50, prompt_tokens: 10 }), {
      max_tokens: 6,
      model,
    });
    const message = await sdk(user).messages.stream(body).finalMessage();
    assertEquals([message.stop_reason, message.usage.output_tokens], ["max_tokens", 6], model);
  }
  await assertCharged(stack, user, [
    { model: "anthropic:claude-haiku-4-5", input: 10, output: 6 },
    { model: "anthropic:claude-haiku-4-5", input: 10, output: 6 },
    { model: "deepseek:deepseek-chat", input: 10, output: 6 },
  ]);
});

Deno.test("refusals raise the SDK's own classes, with our code and a sentence, and cost nothing", async () => {
  const [user, poor] = [await stack.signUp(), await stack.signUp()];
  await setBalance(stack, poor, "0");
  const body = asking("Hello");
  const refused = {
    ...body,
    mcp_servers: [{ type: "url", url: "https://example.com", name: "x" }],
  };
  const cases = [
    [sdk({ token: "none" }), body, Anthropic.AuthenticationError, 401, "UNAUTHENTICATED"],
    [sdk(poor), body, Anthropic.APIError, 402, "INSUFFICIENT_BALANCE"],
    [sdk(user), { ...body, model: "claude-0" }, Anthropic.NotFoundError, 404, "MODEL_NOT_FOUND"],
    [sdk(user), refused, Anthropic.BadRequestError, 400, "INVALID_REQUEST"],
  ] as const;
  const types = new Map([
    [401, "authentication_error"],
    [402, "billing_error"],
    [404, "not_found_error"],
    [400, "invalid_request_error"],
  ]);
  for (const [client, body, errorClass, status, code] of cases) {
    for (
      const ask of [
        () => client.messages.create(body),
        () => client.messages.stream(body).finalMessage(),
      ]
    ) {
      const error = await assertRejects(ask, errorClass);
      assertEquals([error.status, error.type], [status, types.get(status)]);
      const told = error.error as { code: string; message: string; error: { message: string } };
      assertEquals([told.code, told.error.message], [code, told.message]);
      assertMatch(told.message, /^[A-Z].*[.?]$/);
      assertMatch(error.requestID ?? "", /^[0-9a-f-]{36}$/);
    }
  }
  await assertFree(stack, user);
});

Deno.test("an error in mid-stream is raised, and what came before is charged", async () => {
  for (const script of [{ error_frame_after_tokens: 40 }, { drop_after_tokens: 40 }]) {
    const user = await stack.signUp();
    const content = ordered({ output_tokens: 90, token_ms: 1, ...script });
    const stream = sdk(user).messages.stream(asking(content));
    let received = 0;
    stream.on("text", () => void received++);
    await assertRejects(() => stream.finalMessage(), Anthropic.APIError);
    assertEquals(received, 40);
    const [charge] = await chargesOfUser(stack, user, 1);
    assertEquals(charge?.basis, "estimated");
    await assertPaid(stack, user, [charge!]);
  }
});

Deno.test("abort in mid-stream is charged once, for about what was received", async () => {
  const user = await stack.signUp();
  const content = ordered({ output_tokens: 2_000, prompt_tokens: 20, token_ms: 5 });
  const stream = sdk(user).messages.stream(asking(content));
  let received = 0;
  stream.on("text", () => ++received === 60 && stream.abort());
  await assertRejects(() => stream.finalMessage(), Anthropic.APIUserAbortError);
  const [charge] = await chargesOfUser(stack, user, 1);
  const { basis, tokens } = charge!;
  assertEquals(basis, "estimated");
  assert(tokens.output >= 45 && tokens.output <= 150, `${received}, charged ${tokens.output}`);
  await assertPaid(stack, user, [charge!]);
  await settled(stack);
});

Deno.test("an overloaded provider is asked again behind the SDK's back, and another model by a header", async () => {
  const user = await stack.signUp();
  const script = { prompt_tokens: 9, output_tokens: 2, retry_after: 0 };
  const again = ordered({ ...script, fail: 529, fail_times: 2, key: `529 for ${user.id}` });
  const message = await sdk(user).messages.create(asking(again), { maxRetries: 0 });
  assertEquals(message.usage.output_tokens, 2);
  const other = sdk(user, { "x-fallback-models": "anthropic:claude-haiku-4-5" });
  const failing = asking(ordered({ ...script, fail: 500, fail_model: "claude-sonnet-4-5" }));
  assertMatch((await other.messages.stream(failing).finalMessage()).model, /^claude-haiku-4-5/);
  await assertCharged(stack, user, [
    { model: MODEL, input: 9, output: 2 },
    { model: "anthropic:claude-haiku-4-5", input: 9, output: 2 },
  ]);
});

Deno.test("models.list() and retrieve() know the models in Anthropic's form", async () => {
  const user = await stack.signUp();
  const models = await Array.fromAsync(sdk(user).models.list());
  const sonnet = models.find(({ id }) => id === MODEL);
  assertEquals([sonnet?.type, sonnet?.display_name], ["model", "Claude Sonnet 4.5"]);
  assertEquals((await sdk(user).models.retrieve(MODEL)).id, MODEL);
});
