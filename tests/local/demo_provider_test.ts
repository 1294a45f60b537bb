import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { AT_ONCE, type DemoProvider, startDemoProvider } from "../../local/demo_provider/server.ts";

async function withProvider(work: (provider: DemoProvider, openai: OpenAI) => Promise<void>) {
  const provider = startDemoProvider({ timing: AT_ONCE });
  const openai = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: "sk-test", maxRetries: 0 });
  try {
    await work(provider, openai);
  } finally {
    await provider.close();
  }
}

const ask = (content: string) => [{ role: "user" as const, content }];

/** The raw body of a streamed request. */
async function rawStream(provider: DemoProvider, body: unknown): Promise<string> {
  const response = await fetch(`${provider.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer sk-test", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return await response.text();
}

Deno.test("the openai SDK reads a whole answer with usage that adds up", async () => {
  await withProvider(async (_provider, openai) => {
    const answer = await openai.chat.completions.create({ model: "gpt-4o", messages: ask("Hi") });
    assertEquals(answer.object, "chat.completion");
    assertEquals(answer.model, "gpt-4o-2024-08-06");
    assertEquals(answer.choices[0]!.finish_reason, "stop");
    assertGreater(answer.choices[0]!.message.content!.length, 20);
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage!;
    assertEquals(prompt_tokens + completion_tokens, total_tokens);
    assertEquals(answer._request_id!.startsWith("req_"), true);
  });
});

Deno.test("a stream reports usage once, in a last chunk without choices, and null before", async () => {
  await withProvider(async (_provider, openai) => {
    const stream = await openai.chat.completions.create({
      model: "gpt-4o",
      messages: ask('Hi [[demo: {"output_tokens": 7}]]'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    const last = chunks.pop()!;
    assertEquals(last.choices, []);
    assertEquals(last.usage!.completion_tokens, 7);
    assertEquals(chunks.every((chunk) => chunk.usage === null), true);
    assertEquals(chunks.filter((chunk) => chunk.choices[0]!.delta.content).length, 7);
  });
});

Deno.test("a stream that was not asked for usage has no usage field and ends with [DONE]", async () => {
  await withProvider(async (provider) => {
    const body = await rawStream(provider, { model: "gpt-4o", messages: ask("Hi"), stream: true });
    assertEquals(body.includes('"usage"'), false);
    assertEquals(body.endsWith("data: [DONE]\n\n"), true);
  });
});

Deno.test("max_tokens ends an answer at exactly that many tokens with finish_reason length", async () => {
  await withProvider(async (_provider, openai) => {
    const answer = await openai.chat.completions.create({
      model: "gpt-4o",
      messages: ask("Hi"),
      max_tokens: 5,
    });
    assertEquals(answer.usage!.completion_tokens, 5);
    assertEquals(answer.choices[0]!.finish_reason, "length");
  });
});

Deno.test("reasoning counts within the output, and a small limit leaves no words", async () => {
  await withProvider(async (_provider, openai) => {
    const answer = await openai.chat.completions.create({
      model: "o4-mini",
      messages: ask("Think"),
      reasoning_effort: "high",
      max_completion_tokens: 100,
    });
    assertEquals(answer.usage!.completion_tokens_details!.reasoning_tokens, 100);
    assertEquals(answer.usage!.completion_tokens, 100);
    assertEquals(answer.choices[0]!.message.content, "");
    assertEquals(answer.choices[0]!.finish_reason, "length");
  });
});

Deno.test("a tool is called with arguments that are JSON, streamed or not", async () => {
  await withProvider(async (_provider, openai) => {
    const request = {
      model: "gpt-4o",
      messages: ask("What is the weather in Zürich?"),
      tools: [{
        type: "function" as const,
        function: {
          name: "get_weather",
          parameters: { type: "object", properties: { city: { type: "string" } } },
        },
      }],
    };
    const whole = await openai.chat.completions.create(request);
    const streamed = await openai.chat.completions.stream(request).finalChatCompletion();
    for (const answer of [whole, streamed]) {
      assertEquals(answer.choices[0]!.finish_reason, "tool_calls");
      const call = answer.choices[0]!.message.tool_calls![0]!;
      if (call.type !== "function") throw new Error(`a call of type ${call.type}`);
      assertEquals(call.function.name, "get_weather");
      assertEquals(JSON.parse(call.function.arguments), { city: "Zürich" });
    }
  });
});

Deno.test("a long conversation that goes on reports its start as cached, in steps of 128", async () => {
  await withProvider(async (_provider, openai) => {
    const start = ask("word ".repeat(1500));
    await openai.chat.completions.create({ model: "gpt-4o", messages: start });
    const next = await openai.chat.completions.create({
      model: "gpt-4o",
      messages: [...start, { role: "assistant", content: "Yes." }, ...ask("And?")],
    });
    const cached = next.usage!.prompt_tokens_details!.cached_tokens!;
    assertGreater(cached, 1024);
    assertEquals(cached % 128, 0);
  });
});

for (
  const [name, request, status, code] of [
    ["an unknown model", { model: "gpt-nope", messages: ask("Hi") }, 404, "model_not_found"],
    ["no messages", { model: "gpt-4o", messages: [] }, 400, "empty_array"],
    [
      "max_tokens on a reasoning model",
      { model: "o4-mini", messages: ask("Hi"), max_tokens: 5 },
      400,
      "unsupported_parameter",
    ],
    [
      "a limit below 1",
      { model: "gpt-4o", messages: ask("Hi"), max_tokens: 0 },
      400,
      "integer_below_min_value",
    ],
  ] as const
) {
  Deno.test(`${name} is refused with OpenAI's own error: ${status} ${code}`, async () => {
    await withProvider(async (_provider, openai) => {
      const error = await assertRejects(
        () => openai.chat.completions.create({ ...request, messages: [...request.messages] }),
        OpenAI.APIError,
      );
      assertEquals(error.status, status);
      assertEquals(error.code, code);
    });
  });
}

Deno.test("a request without a key is refused with 401", async () => {
  await withProvider(async (provider) => {
    const response = await fetch(`${provider.url}/v1/models`);
    assertEquals(response.status, 401);
    assertEquals((await response.json()).error.type, "invalid_request_error");
  });
});

for (const [status, kind] of [[500, "server_error"], [429, "requests"]] as const) {
  Deno.test(`an ordered ${status} comes before any content, as OpenAI's own error`, async () => {
    await withProvider(async (_provider, openai) => {
      const error = await assertRejects(
        () =>
          openai.chat.completions.create({
            model: "gpt-4o",
            messages: ask(`[[demo: {"fail": ${status}}]]`),
            stream: true,
          }),
        OpenAI.APIError,
      );
      assertEquals(error.status, status);
      assertEquals(error.type, kind);
    });
  });
}

Deno.test("an ordered drop breaks the connection after exactly the ordered tokens", async () => {
  await withProvider(async (provider, openai) => {
    const stream = await openai.chat.completions.create({
      model: "gpt-4o",
      messages: ask('[[demo: {"output_tokens": 50, "drop_after_tokens": 3}]]'),
      stream: true,
    });
    await assertRejects(() => Array.fromAsync(stream));
    assertEquals(provider.requests.at(-1)!.tokensSent, 3);
    assertEquals(provider.requests.at(-1)!.state, "dropped");
  });
});

Deno.test("an error frame in a stream raises in the SDK after the content before it", async () => {
  await withProvider(async (_provider, openai) => {
    const stream = await openai.chat.completions.create({
      model: "gpt-4o",
      messages: ask('[[demo: {"error_frame_after_tokens": 2}]]'),
      stream: true,
    });
    const error = await assertRejects(() => Array.fromAsync(stream), OpenAI.APIError);
    assertEquals(error.type, "server_error");
  });
});

Deno.test("odd splits and CRLF change the bytes, not what the SDK reads", async () => {
  await withProvider(async (provider, openai) => {
    const messages = ask('[[demo: {"text": "Grüße, 世界!", "split_bytes": 3, "crlf": true}]]');
    const answer = await openai.chat.completions.stream({ model: "gpt-4o", messages })
      .finalChatCompletion();
    assertEquals(answer.choices[0]!.message.content, "Grüße, 世界!");
    const raw = await rawStream(provider, { model: "gpt-4o", messages, stream: true });
    assertEquals(raw.includes("\r\n\r\n"), true);
  });
});

Deno.test("usage can be left out or absurd, and an answer can be empty", async () => {
  await withProvider(async (_provider, openai) => {
    const model = "gpt-4o";
    const without = await openai.chat.completions.create({
      model,
      messages: ask('[[demo: {"omit_usage": true}]]'),
    });
    assertEquals(without.usage, undefined);
    const absurd = await openai.chat.completions.create({
      model,
      messages: ask('[[demo: {"usage": {"prompt_tokens": -5, "completion_tokens": 1e9}}]]'),
    });
    assertEquals(absurd.usage!.prompt_tokens, -5);
    const empty = await openai.chat.completions.create({
      model,
      messages: ask('[[demo: {"empty": true}]]'),
    });
    assertEquals(empty.choices[0]!.message.content, "");
    assertEquals(empty.usage!.completion_tokens, 0);
  });
});

Deno.test("a client that leaves is noted as cancelled", async () => {
  await withProvider(async (provider, openai) => {
    const stream = await openai.chat.completions.create({
      model: "gpt-4o",
      messages: ask("word ".repeat(2000) + '[[demo: {"output_tokens": 100000, "token_ms": 1}]]'),
      max_tokens: 16384,
      stream: true,
    });
    for await (const _ of stream) break;
    while (provider.requests.at(-1)!.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assertEquals(provider.requests.at(-1)!.state, "cancelled");
  });
});
