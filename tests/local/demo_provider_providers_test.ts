import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import OpenAI from "openai";
import type { DemoProvider } from "../../local/demo_provider/server.ts";
import type { DemoScript } from "../../local/demo_provider/script.ts";
import { providerEnvironment } from "../../local/function_environment.ts";
import type { DialectName, JsonObject } from "../../shared/llm/dialect.ts";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import type { MeterSnapshot } from "../../shared/llm/meter.ts";
import {
  type Endpoint,
  endpointHeaders,
  endpointUrl,
  type Provider,
  PROVIDERS,
} from "../../shared/llm/providers.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { ordering, withProvider } from "./demo_provider_harness.ts";

const MODELS: Readonly<Record<DialectName, string>> = {
  "openai-chat": "gpt-4o",
  "openai-responses": "gpt-4o",
  "anthropic-messages": "claude-haiku-4-5",
  gemini: "gemini-2.5-flash",
};

function bodyOf(dialect: DialectName, text: string, stream: boolean): JsonObject {
  const messages = [{ role: "user", content: text }];
  const model = MODELS[dialect];
  switch (dialect) {
    case "openai-chat":
      return { model, messages, stream };
    case "openai-responses":
      return { model, input: text, stream };
    case "anthropic-messages":
      return { model, messages, stream, max_tokens: 500 };
    case "gemini":
      return { contents: [{ role: "user", parts: [{ text }] }] };
  }
}

/** What the proxy would send: the dialect's own rewriting, at the address that the stack sets. */
async function askAsTheProxy(
  demo: DemoProvider,
  provider: Provider,
  [name, endpoint]: [DialectName, Endpoint],
  script: DemoScript,
  stream: boolean,
): Promise<Response> {
  const dialect = DIALECTS.get(name)!;
  const read = dialect.readRequest(
    bodyOf(name, ordering(script), stream),
    { model: MODELS[name], stream },
  );
  if (read.kind === "fault") throw new Error(read.message);
  const { body, pathSuffix } = dialect.rewriteRequest(read, {
    model: MODELS[name],
    outputTokensLimit: 400,
    usageSwitch: endpoint.usageSwitch,
    outputLimitFields: endpoint.outputLimitFields,
  });
  const { variables } = providerEnvironment({}, demo.url);
  const base = variables[`${provider.id.toUpperCase()}_BASE_URL`]!;
  return await fetch(endpointUrl(provider, endpoint, base, pathSuffix), {
    method: "POST",
    headers: endpointHeaders(endpoint, variables[`${provider.id.toUpperCase()}_API_KEY`]!),
    body: JSON.stringify(body),
  });
}

function meterStream(name: DialectName, endpoint: Endpoint, bytes: Uint8Array): MeterSnapshot {
  const splitter = createEventSplitter();
  const meter = DIALECTS.get(name)!.createMeter(endpoint.counting);
  const events = splitter.push(bytes);
  const rest = splitter.flush();
  for (const event of rest === null ? events : [...events, rest]) meter.fold(event);
  return meter.snapshot();
}

const SCRIPT = {
  prompt_tokens: 1_000,
  cached_tokens: 300,
  reasoning_tokens: 50,
  output_tokens: 20,
};

for (const provider of PROVIDERS.values()) {
  for (const [name, endpoint] of Object.entries(provider.endpoints)) {
    const dialect = name as DialectName;
    Deno.test(`${provider.id} in ${name} counts so that its rule meters what was scripted`, async () => {
      await withProvider(async (demo) => {
        const wanted = {
          input: 700,
          cache_read: 300,
          cache_write_5m: 0,
          cache_write_1h: 0,
          output: 70,
        };
        // The compatibility layer of Gemini says nothing about its cache.
        const isCacheHidden = endpoint.counting.reasoning === "hidden_in_total";
        const expected = isCacheHidden ? { ...wanted, input: 1_000, cache_read: 0 } : wanted;
        const streamed = await askAsTheProxy(demo, provider, [dialect, endpoint], SCRIPT, true);
        assertEquals(streamed.status, 200);
        const seen = meterStream(
          dialect,
          endpoint,
          new Uint8Array(await streamed.arrayBuffer()),
        );
        const whole = await askAsTheProxy(demo, provider, [dialect, endpoint], SCRIPT, false);
        const read = DIALECTS.get(dialect)!.readAnswer(await whole.json(), endpoint.counting);
        for (const { usage, flags } of [seen, read]) {
          assertEquals(usage, expected);
          assertEquals(flags, []);
        }
        assertEquals(demo.requests.map((request) => request.state), ["finished", "finished"]);
      });
    });
  }
}

/** The raw answer to a chat at a provider. */
function chatAt(demo: DemoProvider, base: string, body: object, script: DemoScript = {}) {
  return fetch(`${demo.url}/${base}/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer k" },
    body: JSON.stringify({
      model: "gpt-4o",
      messages: [{ role: "user", content: ordering(script) }],
      ...body,
    }),
  });
}

Deno.test("Mistral refuses stream_options with 422, and reports usage all the same", async () => {
  await withProvider(async (demo) => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const refused = await chatAt(demo, "mistral/v1", options);
    assertEquals(refused.status, 422);
    assertEquals((await refused.json()).message.detail[0].type, "extra_forbidden");
    const answered = await (await chatAt(demo, "mistral/v1", { stream: true })).text();
    assertEquals(answered.match(/"usage":\{/g)!.length, 1);
  });
});

Deno.test("Groq has its usage in x_groq when nobody asked, and in three places when somebody did", async () => {
  await withProvider(async (demo) => {
    const stream = async (more: object) =>
      await (await chatAt(demo, "groq/openai/v1", { stream: true, ...more })).text();
    const unasked = await stream({});
    assertEquals(unasked.match(/"usage":\{/g)!.length, 1);
    assert(/"x_groq":\{"id":"[^"]+","usage":/.test(unasked));
    const asked = await stream({ stream_options: { include_usage: true } });
    assertEquals(asked.match(/"usage":\{/g)!.length, 3);
  });
});

Deno.test("xAI's chat has reasoning outside the completion, and the list price in ticks", async () => {
  await withProvider(async (demo) => {
    const script = { ...SCRIPT, cached_tokens: 400 };
    const response = await chatAt(demo, "xai/v1", { model: "grok-3-mini" }, script);
    const { usage } = await response.json();
    assertEquals(usage.completion_tokens, 20);
    assertEquals(usage.total_tokens, 1_070);
    // 600 × $0.30 + 400 × $0.075 + 70 × $0.50 a million, in units of 1e-10 USD.
    assertEquals(usage.cost_in_usd_ticks, 2_450_000);
  });
});

Deno.test("OpenRouter reports its cost, after blank lines, in the usage that nobody asked for", async () => {
  await withProvider(async (demo) => {
    const body = { model: "openai/gpt-4o" };
    const whole = await (await chatAt(demo, "openrouter/api/v1", body, SCRIPT)).text();
    assert(/^\s+\{/.test(whole));
    // 700 × $2.50 + 300 × $1.25 + 70 × $10 a million.
    assertEquals(JSON.parse(whole).usage.cost, 0.002825);
    const ordered = await chatAt(demo, "openrouter/api/v1", body, { cost: 0.5 });
    assertEquals((await ordered.json()).usage.cost, 0.5);
    const streamed = await chatAt(demo, "openrouter/api/v1", { ...body, stream: true });
    const text = await streamed.text();
    assert(text.startsWith(": OPENROUTER PROCESSING\n\n"));
    assertEquals(text.match(/"cost":/g)!.length, 1);
  });
});

Deno.test("DeepSeek's reasoner streams what it thinks, and a drop can fall within it", async () => {
  await withProvider(async (demo) => {
    const client = new OpenAI({ baseURL: `${demo.url}/deepseek`, apiKey: "k", maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: "deepseek-reasoner",
      messages: [{ role: "user", content: ordering({ ...SCRIPT, end_after_tokens: 60 }) }],
      stream: true,
    });
    const deltas = (await Array.fromAsync(stream)).map((chunk) =>
      chunk.choices[0]!.delta as { content?: string; reasoning_content?: string }
    );
    assertEquals(deltas.filter((delta) => delta.reasoning_content).length, 50);
    assertEquals(deltas.filter((delta) => delta.content).length, 10);
  });
});

for (
  const [base, body] of [
    ["openai/v1", { error: { code: "rate_limit_exceeded" } }],
    ["xai/v1", { code: "Some resource has been exhausted" }],
    ["openrouter/api/v1", { error: { code: 429 } }],
    ["mistral/v1", { object: "error", code: "rate_limit_exceeded" }],
    ["google/v1beta/openai", [{ error: { status: "RESOURCE_EXHAUSTED" } }]],
  ] as const
) {
  Deno.test(`an ordered 429 at ${base} is in that provider's envelope`, async () => {
    await withProvider(async (demo) => {
      const response = await chatAt(demo, base, {}, { fail: 429, retry_after: 3 });
      assertEquals(response.status, 429);
      assertEquals(response.headers.get("retry-after"), "3");
      assertObjectMatch({ body: await response.json() }, { body });
    });
  });
}

Deno.test("an ordered failure of one model leaves the others to answer", async () => {
  await withProvider(async (demo) => {
    const script = { fail: 503, fail_model: "gpt-4o" };
    const statusOf = async (model: string) => {
      const response = await chatAt(demo, "v1", { model }, script);
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await statusOf("gpt-4o"), 503);
    assertEquals(await statusOf("gpt-4o-mini"), 200);
  });
});

Deno.test("each provider tells its limits in headers of its own", async () => {
  await withProvider(async (demo) => {
    const headersAt = async (base: string) => {
      const response = await chatAt(demo, base, {});
      await response.body?.cancel();
      return response.headers;
    };
    assertEquals((await headersAt("v1")).get("x-ratelimit-reset-tokens"), "120ms");
    assert((await headersAt("mistral/v1")).has("x-ratelimit-tokens-query-cost"));
    assert((await headersAt("openrouter/api/v1")).has("x-generation-id"));
    const google = [...(await headersAt("google/v1beta/openai")).keys()];
    assertEquals(google.filter((name) => name.includes("ratelimit")), []);
  });
});

Deno.test("a page of another origin may ask: its preflight is answered", async () => {
  await withProvider(async (demo) => {
    const response = await fetch(`${demo.url}/v1/messages`, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key,anthropic-version",
      },
    });
    assertEquals(response.status, 204);
    assertEquals(
      response.headers.get("access-control-allow-headers"),
      "x-api-key,anthropic-version",
    );
  });
});
