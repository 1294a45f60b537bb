import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import OpenAI from "openai";
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
  new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-test", maxRetries });

const ask = (script: DemoScript = {}) => ({ model: "gpt-4o", input: ordering(script) });

const TOOL = { type: "function" as const, name: "get_weather", parameters: CITY, strict: false };

/** The raw body of a streamed request. */
async function raw(url: string, body: object): Promise<string> {
  const response = await fetch(`${url}/v1/responses`, {
    method: "POST",
    headers: { authorization: "Bearer k" },
    body: JSON.stringify({ ...body, stream: true }),
  });
  return await response.text();
}

Deno.test("Responses: the SDK reads a whole answer with the usage that was scripted", async () => {
  await withProvider(async ({ url }) => {
    const script = { text: "Good day.", prompt_tokens: 500, cached_tokens: 400 };
    const answer = await clientOf(url).responses.create(ask(script));
    assertEquals(answer.output_text, "Good day.");
    assertEquals(answer.status, "completed");
    assertEquals(answer.model, "gpt-4o-2024-08-06");
    const { input_tokens, input_tokens_details, output_tokens, total_tokens } = answer.usage!;
    assertEquals(input_tokens, 500);
    assertEquals(input_tokens_details.cached_tokens, 400);
    assertEquals(input_tokens + output_tokens, total_tokens);
    assert(answer._request_id!.startsWith("req_"));
  });
});

Deno.test("Responses: a stream has the real events in the real order, numbered in a row", async () => {
  await withProvider(async ({ url }) => {
    const stream = await clientOf(url).responses.create({
      ...ask({ text: "Good day.", web_searches: 1 }),
      stream: true,
    });
    const events = await Array.fromAsync(stream);
    assertEquals(
      events.map((event) => event.sequence_number),
      events.map((_event, i) => i),
    );
    const types = events.map((event) => event.type);
    assertEquals(types.filter((type, i) => type !== types[i - 1]), [
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.web_search_call.in_progress",
      "response.web_search_call.searching",
      "response.web_search_call.completed",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const { response } = ofType(events.at(-1), "response.completed");
    assertEquals(ofType(events[0], "response.created").response.usage, null);
    assertGreater(response.usage!.output_tokens, 0);
    assertEquals(ofType(response.output[1], "message").status, "completed");
    assertEquals(
      events.filter((event) => event.type === "response.output_text.delta")
        .map((event) => event.delta).join(""),
      "Good day.",
    );
  });
});

Deno.test("Responses: the streaming helper ends with the text of its deltas", async () => {
  await withProvider(async ({ url }) => {
    let text = "";
    const stream = clientOf(url).responses.stream(ask({ text: "Grüße, 世界!", split_bytes: 3 }))
      .on("response.output_text.delta", (event) => void (text += event.delta));
    const answer = await stream.finalResponse();
    assertEquals(text, "Grüße, 世界!");
    assertEquals(answer.output_text, text);
  });
});

Deno.test("Responses: a function is called with JSON, streamed or not, and its result answered", async () => {
  await withProvider(async ({ url }) => {
    const client = clientOf(url);
    const request = { ...ask({ tool: "get_weather" }), tools: [TOOL] };
    const whole = await client.responses.create(request);
    const streamed = await client.responses.stream(request).finalResponse();
    for (const { output } of [whole, streamed]) {
      const call = ofType(output[0], "function_call");
      assertEquals(call.name, "get_weather");
      assertEquals(JSON.parse(call.arguments), { city: "Zürich" });
      const next = await client.responses.create({
        ...request,
        input: [
          { role: "user", content: request.input },
          {
            type: "function_call",
            call_id: call.call_id,
            name: call.name,
            arguments: call.arguments,
          },
          { type: "function_call_output", call_id: call.call_id, output: "9 °C" },
        ],
      });
      assertGreater(next.output_text.length, 10);
    }
  });
});

Deno.test("Responses: reasoning is an item of its own, summed up only on request, and in the output", async () => {
  await withProvider(async ({ url }) => {
    const request = {
      model: "gpt-5",
      input: ordering({ reasoning_tokens: 20, output_tokens: 5 }),
    };
    const hidden = await clientOf(url).responses.create(request);
    const shown = await clientOf(url).responses.stream({
      ...request,
      reasoning: { summary: "auto" },
    }).finalResponse();
    assertEquals(ofType(hidden.output[0], "reasoning").summary, []);
    assertGreater(ofType(shown.output[0], "reasoning").summary[0]!.text.length, 10);
    for (const { usage } of [hidden, shown]) {
      assertEquals(usage!.output_tokens, 25);
      assertEquals(usage!.output_tokens_details.reasoning_tokens, 20);
    }
  });
});

Deno.test("Responses: max_output_tokens leaves an incomplete answer of exactly that many tokens", async () => {
  await withProvider(async ({ url }) => {
    const whole = await clientOf(url).responses.create({ ...ask(), max_output_tokens: 16 });
    assertEquals(whole.status, "incomplete");
    assertEquals(whole.incomplete_details!.reason, "max_output_tokens");
    assertEquals(whole.usage!.output_tokens, 16);
    const names = eventNames(await raw(url, { ...ask(), max_output_tokens: 16 }));
    assertEquals(names.at(-1), "response.incomplete");
  });
});

for (
  const [name, change, code] of [
    ["an unknown model", { model: "gpt-nope" }, "model_not_found"],
    ["no input", { input: undefined }, "missing_required_parameter"],
    ["a limit below 16", { max_output_tokens: 5 }, "integer_below_min_value"],
    ["a parameter of Chat", { messages: [] }, "unknown_parameter"],
    ["an earlier response of nobody", { previous_response_id: "x" }, "previous_response_not_found"],
  ] as const
) {
  Deno.test(`Responses: ${name} is refused with OpenAI's own error: 400 ${code}`, async () => {
    await withProvider(async ({ url }) => {
      const request = { ...ask(), ...change } as OpenAI.Responses.ResponseCreateParamsNonStreaming;
      const error = await assertRejects(
        () => clientOf(url).responses.create(request),
        OpenAI.BadRequestError,
      );
      assertEquals(error.code, code);
    });
  });
}

Deno.test("Responses: ordered failures raise their class, and a retry after them succeeds", async () => {
  await withProvider(async ({ url }) => {
    await assertRejects(
      () => clientOf(url).responses.create(ask({ fail: 429 })),
      OpenAI.RateLimitError,
    );
    await assertRejects(
      () => clientOf(url).responses.create(ask({ fail: 503 })),
      OpenAI.InternalServerError,
    );
    const answer = await clientOf(url, 1).responses.create(
      ask({ fail: 429, fail_times: 1, key: "once", retry_after: 0 }),
    );
    assertEquals(answer.status, "completed");
  });
});

Deno.test("Responses: an error in the stream raises, and response.failed stands behind it", async () => {
  await withProvider(async ({ url }) => {
    const script = { error_frame_after_tokens: 2 };
    const stream = await clientOf(url).responses.create({ ...ask(script), stream: true });
    const error = await assertRejects(() => Array.fromAsync(stream), OpenAI.APIError);
    assertEquals(error.code, "server_error");
    assertEquals(eventNames(await raw(url, ask(script))).slice(-2), ["error", "response.failed"]);
  });
});

Deno.test("Responses: usage and the last event can be left out, and the stream can break off", async () => {
  await withProvider(async (provider) => {
    const streamed = (script: DemoScript) => raw(provider.url, ask(script));
    assertEquals((await streamed({ omit_usage: true })).includes('"input_tokens"'), false);
    assertEquals((await streamed({ omit_done: true })).includes("response.completed"), false);
    assertEquals((await streamed({ end_after_tokens: 2 })).includes("output_text.done"), false);
    await assertRejects(() => streamed({ drop_after_tokens: 3 }));
    const last = await ended(provider);
    assertEquals([last.state, last.tokensSent], ["dropped", 3]);
  });
});

Deno.test("Responses: a client that leaves is noted as cancelled", async () => {
  await withProvider(async (provider) => {
    const stream = await clientOf(provider.url).responses.create({
      ...ask({ output_tokens: 16_000, token_ms: 1 }),
      stream: true,
    });
    for await (const event of stream) if (event.type === "response.output_text.delta") break;
    assertEquals((await ended(provider)).state, "cancelled");
  });
});

Deno.test("Responses at xAI: reasoning is inside and the ticks are the list price", async () => {
  await withProvider(async ({ url }) => {
    const client = new OpenAI({ baseURL: `${url}/xai/v1`, apiKey: "k", maxRetries: 0 });
    const script = {
      prompt_tokens: 1_000,
      cached_tokens: 400,
      reasoning_tokens: 50,
      output_tokens: 10,
    };
    const { usage } = await client.responses.create({ model: "grok-4", input: ordering(script) });
    assertEquals(usage!.output_tokens, 60);
    // 600 × $3 + 400 × $0.75 + 60 × $15 a million, in units of 1e-10 USD.
    assertEquals((usage as unknown as Record<string, unknown>).cost_in_usd_ticks, 30_000_000);
  });
});

Deno.test("Responses at Azure: the key may be in the header api-key", async () => {
  await withProvider(async (provider) => {
    const response = await fetch(`${provider.url}/azure/openai/v1/responses`, {
      method: "POST",
      headers: { "api-key": "secret" },
      body: JSON.stringify(ask()),
    });
    assertEquals((await response.json()).status, "completed");
    assertEquals(provider.requests.at(-1)!.headers["api-key"], undefined);
  });
});
