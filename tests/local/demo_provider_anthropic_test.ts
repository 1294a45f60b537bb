import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import Anthropic from "@anthropic-ai/sdk";
import type { DemoScript } from "../../local/demo_provider/script.ts";
import {
  CITY,
  ended,
  eventNames,
  ofType,
  ordering,
  withProvider,
} from "./demo_provider_harness.ts";

const clientOf = (url: string, maxRetries = 0) =>
  new Anthropic({ baseURL: url, apiKey: "sk-ant-test", maxRetries });

const ask = (script: DemoScript = {}, question = "Hello") => ({
  model: "claude-haiku-4-5",
  max_tokens: 1_024,
  messages: [{ role: "user" as const, content: ordering(script, question) }],
});

/** The raw body of a request. */
async function raw(url: string, body: unknown): Promise<string> {
  const response = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": "k", "anthropic-version": "2023-06-01" },
    body: JSON.stringify(body),
  });
  return await response.text();
}

Deno.test("Anthropic: the SDK reads a whole answer with the usage that was scripted", async () => {
  await withProvider(async ({ url }) => {
    const answer = await clientOf(url).messages.create(ask({
      text: "Good day.",
      prompt_tokens: 5_000,
      cached_tokens: 3_000,
      cache_write_tokens: 200,
      cache_write_1h_tokens: 100,
    }));
    assertEquals(answer.model, "claude-haiku-4-5-20251001");
    assertEquals(answer.content, [{ type: "text", text: "Good day." } as Anthropic.TextBlock]);
    assertEquals(answer.stop_reason, "end_turn");
    // What was cached is outside the input.
    assertEquals(answer.usage.input_tokens, 1_700);
    assertEquals(answer.usage.cache_read_input_tokens, 3_000);
    assertEquals(answer.usage.cache_creation_input_tokens, 300);
    assertEquals(answer.usage.cache_creation!.ephemeral_1h_input_tokens, 100);
    assertGreater(answer.usage.output_tokens, 1);
    assert(answer._request_id!.startsWith("req_"));
  });
});

Deno.test("Anthropic: a stream has the real events in the real order, and a ping", async () => {
  await withProvider(async ({ url }) => {
    const body = await raw(url, { ...ask({ output_tokens: 3 }), stream: true });
    assertEquals(eventNames(body), [
      "message_start",
      "content_block_start",
      "ping",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
  });
});

Deno.test("Anthropic: message_start has a placeholder, message_delta the count", async () => {
  await withProvider(async ({ url }) => {
    const stream = await clientOf(url).messages.create({
      ...ask({ output_tokens: 40, prompt_tokens: 90 }),
      stream: true,
    });
    const events = await Array.fromAsync(stream);
    const start = ofType(events[0], "message_start");
    assert(start.message.usage.output_tokens <= 8);
    const delta = ofType(events.at(-2), "message_delta");
    assertEquals(delta.usage.output_tokens, 40);
    assertEquals(delta.usage.input_tokens, 90);
  });
});

Deno.test("Anthropic: the streaming helper ends with the text of its deltas", async () => {
  await withProvider(async ({ url }) => {
    let text = "";
    const stream = clientOf(url).messages.stream(ask({ text: "Grüße, 世界!", split_bytes: 3 }))
      .on("text", (delta) => void (text += delta));
    const message = await stream.finalMessage();
    assertEquals(text, "Grüße, 世界!");
    assertEquals(await stream.finalText(), text);
    assertEquals(message.stop_reason, "end_turn");
  });
});

Deno.test("Anthropic: a tool is called with JSON, streamed or not, and its result answered", async () => {
  await withProvider(async ({ url }) => {
    const client = clientOf(url);
    const tools = [{ name: "get_weather", input_schema: CITY }];
    const request = {
      ...ask({ tool: { name: "get_weather", arguments: { city: "Bern" } } }),
      tools,
    };
    const whole = await client.messages.create(request);
    const streamed = await client.messages.stream(request).finalMessage();
    for (const { content, stop_reason } of [whole, streamed]) {
      assertEquals(stop_reason, "tool_use");
      const call = ofType(content[0], "tool_use");
      assertEquals(call.name, "get_weather");
      assertEquals(call.input, { city: "Bern" });
      const next = await client.messages.create({
        ...request,
        messages: [
          ...request.messages,
          { role: "assistant", content },
          {
            role: "user",
            content: [{ type: "tool_result", tool_use_id: call.id, content: "9 °C" }],
          },
        ],
      });
      assertEquals(next.stop_reason, "end_turn");
    }
  });
});

Deno.test("Anthropic: thinking comes first, is signed, and counts within the output", async () => {
  await withProvider(async ({ url }) => {
    const request = {
      ...ask({ reasoning_tokens: 30, output_tokens: 5 }),
      max_tokens: 4_000,
      thinking: { type: "enabled" as const, budget_tokens: 2_000 },
    };
    const whole = await clientOf(url).messages.create(request);
    const streamed = await clientOf(url).messages.stream(request).finalMessage();
    for (const { content, usage } of [whole, streamed]) {
      assertEquals(content.map((block) => block.type), ["thinking", "text"]);
      const { thinking, signature } = ofType(content[0], "thinking");
      assertGreater(thinking.length, 20);
      assertGreater(signature.length, 20);
      assertEquals(usage.output_tokens, 35);
      assertEquals(usage.output_tokens_details!.thinking_tokens, 30);
    }
  });
});

Deno.test("Anthropic: max_tokens cuts at exactly that many tokens", async () => {
  await withProvider(async ({ url }) => {
    const answer = await clientOf(url).messages.create({ ...ask(), max_tokens: 5 });
    assertEquals(answer.usage.output_tokens, 5);
    assertEquals(answer.stop_reason, "max_tokens");
  });
});

Deno.test("Anthropic: a prompt marked for the cache is written once and then read", async () => {
  await withProvider(async ({ url }) => {
    const cache_control = { type: "ephemeral" as const, ttl: "1h" as const };
    const request = {
      ...ask(),
      system: [{ type: "text" as const, text: "word ".repeat(1_500), cache_control }],
    };
    const first = (await clientOf(url).messages.create(request)).usage;
    const second = (await clientOf(url).messages.create(request)).usage;
    assertGreater(first.cache_creation!.ephemeral_1h_input_tokens, 1_024);
    assertEquals(second.cache_creation_input_tokens, 0);
    assertEquals(second.cache_read_input_tokens, first.cache_creation_input_tokens);
    assertEquals(second.input_tokens, first.input_tokens);
  });
});

for (
  const [name, change, status, kind] of [
    ["an unknown model", { model: "claude-nope" }, 404, "not_found_error"],
    ["no max_tokens", { max_tokens: undefined }, 400, "invalid_request_error"],
    [
      "more than the model can say",
      { max_tokens: 70_000, stream: true },
      400,
      "invalid_request_error",
    ],
    ["a field of someone else", { chat_id: "x" }, 400, "invalid_request_error"],
    [
      "a budget above max_tokens",
      { thinking: { type: "enabled", budget_tokens: 2_000 } },
      400,
      "invalid_request_error",
    ],
  ] as const
) {
  Deno.test(`Anthropic: ${name} is refused with its own error: ${status} ${kind}`, async () => {
    await withProvider(async ({ url }) => {
      const request = { ...ask(), ...change } as Anthropic.MessageCreateParamsNonStreaming;
      const error = await assertRejects(
        () => clientOf(url).messages.create(request),
        Anthropic.APIError,
      );
      assertEquals(error.status, status);
      assertEquals(error.type, kind);
    });
  });
}

for (
  const [fail, kind] of [
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [429, Anthropic.RateLimitError],
    [500, Anthropic.InternalServerError],
    [529, Anthropic.InternalServerError],
  ] as const
) {
  Deno.test(`Anthropic: an ordered ${fail} raises ${kind.name} before any content`, async () => {
    await withProvider(async ({ url }) => {
      const error = await assertRejects(
        () => clientOf(url).messages.create({ ...ask({ fail }), stream: true }),
        Anthropic.APIError,
      );
      assert(error instanceof kind);
      assertEquals(error.status, fail);
    });
  });
}

Deno.test("Anthropic: a key that is ordered to be invalid raises AuthenticationError", async () => {
  await withProvider(async ({ url }) => {
    const client = new Anthropic({ baseURL: url, apiKey: "sk-invalid", maxRetries: 0 });
    await assertRejects(() => client.messages.create(ask()), Anthropic.AuthenticationError);
  });
});

Deno.test("Anthropic: fail_times fails so often and then answers, so that a retry succeeds", async () => {
  await withProvider(async (provider) => {
    const script = { fail: 529, fail_times: 2, key: "twice", retry_after: 0 };
    const answer = await clientOf(provider.url, 2).messages.create(ask(script));
    assertEquals(answer.type, "message");
    assertEquals(provider.requests.map((request) => request.state), [
      "refused",
      "refused",
      "finished",
    ]);
  });
});

Deno.test("Anthropic: an error in the stream raises after the tokens before it", async () => {
  await withProvider(async (provider) => {
    const stream = await clientOf(provider.url).messages.create({
      ...ask({ error_frame_after_tokens: 2 }),
      stream: true,
    });
    const error = await assertRejects(() => Array.fromAsync(stream), Anthropic.APIError);
    assertEquals(error.type, "overloaded_error");
    assertEquals((await ended(provider)).tokensSent, 2);
  });
});

Deno.test("Anthropic: usage can be left out or absurd, and the stream can break off", async () => {
  await withProvider(async (provider) => {
    const streamed = (script: DemoScript) => raw(provider.url, { ...ask(script), stream: true });
    assertEquals((await streamed({ omit_usage: true })).includes('"usage"'), false);
    assert((await streamed({ usage: { output_tokens: -1 } })).includes('"output_tokens":-1'));
    assertEquals((await streamed({ omit_done: true })).includes("message_stop"), false);
    await assertRejects(() => streamed({ drop_after_tokens: 3 }));
    assertEquals((await ended(provider)).state, "dropped");
  });
});

Deno.test("Anthropic: a client that leaves is noted as cancelled", async () => {
  await withProvider(async (provider) => {
    const stream = clientOf(provider.url).messages.stream(
      { ...ask({ output_tokens: 50_000, token_ms: 1 }), max_tokens: 60_000 },
    );
    for await (const event of stream) if (event.type === "content_block_delta") break;
    stream.abort();
    assertEquals((await ended(provider)).state, "cancelled");
  });
});

Deno.test("Anthropic: answers carry its rate limits, and requests are kept without the key", async () => {
  await withProvider(async (provider) => {
    const { response } = await clientOf(provider.url).messages.create(ask()).withResponse();
    assert(response.headers.has("anthropic-ratelimit-output-tokens-remaining"));
    const kept = provider.requests.at(-1)!.headers;
    assertEquals(kept["x-api-key"], undefined);
    assert(/^\d{4}-\d\d-\d\d$/.test(kept["anthropic-version"] ?? ""));
  });
});
