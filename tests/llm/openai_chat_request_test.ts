import { assertEquals, assertMatch } from "@std/assert";
import type { ModelRequest, RequestChange } from "../../shared/llm/dialect.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { MESSAGES_MAX } from "../../shared/llm/dialects/openai_chat_request.ts";

const hello = { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] };

function read(body: unknown): ModelRequest {
  const request = OPENAI_CHAT.readRequest(body);
  if (request.kind !== "request") throw new Error(`refused: ${JSON.stringify(request)}`);
  return request;
}

function fault(body: unknown): string | null {
  const request = OPENAI_CHAT.readRequest(body);
  if (request.kind !== "fault") {
    throw new Error(`not refused: ${JSON.stringify(body).slice(0, 200)}`);
  }
  assertMatch(request.message, /\w.*\.$/);
  return request.param;
}

const openai: RequestChange = {
  model: "gpt-4o",
  outputTokensLimit: 60,
  usageSwitch: "required",
  outputLimitFields: ["max_completion_tokens", "max_tokens"],
};

const rewrite = (body: object, change: Partial<RequestChange> = {}) =>
  OPENAI_CHAT.rewriteRequest(read({ ...hello, ...body }), { ...openai, ...change });

Deno.test("a plain request is read: not streamed, without limit, without usage, without chat", () => {
  const { body, ...request } = read(hello);
  assertEquals(request, {
    kind: "request",
    model: "openai:gpt-4o",
    stream: false,
    outputTokensLimit: null,
    wantsUsage: false,
    chatId: null,
    fallbackModels: [],
    features: [],
    webSearchesMax: 0,
    hidesInput: false,
    hidesOutput: false,
  });
  assertEquals(body, hello);
});

Deno.test("stream flag, limit, usage wish and chat are read; null is as good as absent", () => {
  const request = read({
    ...hello,
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: null,
    max_tokens: 100,
    chat_id: "chat-1",
    n: 1,
    tools: null,
  });
  assertEquals(
    [request.stream, request.wantsUsage, request.outputTokensLimit, request.chatId],
    [true, true, 100, "chat-1"],
  );
  assertEquals(read({ ...hello, max_tokens: 9, max_completion_tokens: 9 }).outputTokensLimit, 9);
});

Deno.test("a body that is not an object is refused", () => {
  for (const body of [null, [], "x", 1, true, undefined]) assertEquals(fault(body), null);
});

Deno.test("a model that is absent, empty, no text or absurdly long is refused", () => {
  for (const model of [undefined, null, "", ["gpt-4o"], { id: "x" }, 4, "x".repeat(1000)]) {
    assertEquals(fault({ ...hello, model }), "model");
  }
});

Deno.test("messages that are absent, empty, too many or no messages are refused", () => {
  const many = Array.from({ length: 10_000 }, () => hello.messages[0]);
  for (
    const messages of [undefined, null, [], {}, "Hello", many, many.slice(0, MESSAGES_MAX + 1)]
  ) {
    assertEquals(fault({ ...hello, messages }), "messages");
  }
  assertEquals(fault({ ...hello, messages: [{ role: "user" }, "Hello"] }), "messages[1]");
  assertEquals(fault({ ...hello, messages: [{ content: "Hello" }] }), "messages[0]");
  const content = { text: "Hello" };
  assertEquals(fault({ ...hello, messages: [{ role: "user", content }] }), "messages[0].content");
  assertEquals(read({ ...hello, messages: many.slice(0, MESSAGES_MAX) }).kind, "request");
});

Deno.test("a negative, zero, fractional, textual or absurd output limit is refused", () => {
  for (const limit of [-1, 0, 1.5, "100", 1e18, 10_000_001, NaN, [100], true]) {
    assertEquals(fault({ ...hello, max_tokens: limit }), "max_tokens");
    assertEquals(fault({ ...hello, max_completion_tokens: limit }), "max_completion_tokens");
  }
});

Deno.test("two different output limits are refused: which one holds is the provider's guess", () => {
  assertEquals(fault({ ...hello, max_tokens: 10, max_completion_tokens: 20 }), "max_tokens");
});

Deno.test("more than one answer is refused", () => {
  for (const n of [0, 2, "1", [1], 1.5]) assertEquals(fault({ ...hello, n }), "n");
});

Deno.test("a stream flag or stream options of another type are refused", () => {
  for (const stream of ["true", 1, {}]) assertEquals(fault({ ...hello, stream }), "stream");
  for (const stream_options of [[], "x", true]) {
    assertEquals(fault({ ...hello, stream: true, stream_options }), "stream_options");
  }
  const stream_options = { include_usage: "yes" };
  assertEquals(
    fault({ ...hello, stream: true, stream_options }),
    "stream_options.include_usage",
  );
});

Deno.test("what costs outside the price table is refused, with the parameter's name", () => {
  const unmetered = {
    modalities: ["text", "video"],
    audio: "alloy",
    prediction: { type: "content", content: "x" },
    web_search_options: true,
    enable_search: true,
    search_parameters: { mode: "auto" },
    plugins: [{ id: "web" }],
    service_tier: "priority",
    deferred: true,
    background: true,
  };
  for (const [name, value] of Object.entries(unmetered)) {
    assertEquals(fault({ ...hello, [name]: value }), name);
    assertEquals(read({ ...hello, [name]: null }).kind, "request");
  }
  const tools = [{ type: "function", function: { name: "f" } }, { type: "web_search" }];
  assertEquals(fault({ ...hello, tools }), "tools[1].type");
  assertEquals(fault({ ...hello, tools: {} }), "tools");
});

Deno.test("a tool that does not say that it is a function is refused: a provider has tools of its own", () => {
  for (
    const tool of [
      { google_search: {} },
      { function: { name: "f" } },
      { type: null, function: { name: "f" } },
      { type: "", custom: {} },
      { type: ["function"] },
      { type: "Function" },
      { type: "web_search" },
      "web_search",
      null,
    ]
  ) {
    const tools = [{ type: "function", function: { name: "f" } }, tool];
    assertEquals(fault({ ...hello, tools }), "tools[1].type", JSON.stringify(tool));
  }
});

Deno.test("a function with a provider's tool beside it is refused", () => {
  for (const key of ["google_search", "url_context", "code_execution", "server_url"]) {
    const tools = [{ type: "function", function: { name: "f" }, [key]: {} }];
    assertEquals(fault({ ...hello, tools }), "tools[0]", key);
  }
  const cached = { type: "function", function: {}, cache_control: { type: "ephemeral" } };
  assertEquals(read({ ...hello, tools: [cached] }).kind, "request");
});

Deno.test("models to fall back on are read in order, once each, and never forwarded", () => {
  const models = ["openai:gpt-4o", "openai:gpt-4o-mini", "openai:gpt-4o-mini"];
  const named = read({ ...hello, models });
  assertEquals([named.model, named.fallbackModels], ["openai:gpt-4o", ["openai:gpt-4o-mini"]]);
  assertEquals(OPENAI_CHAT.rewriteRequest(named, openai).body.models, undefined);
  const { model: _, ...unnamed } = hello;
  const listed = read({ ...unnamed, models: ["xai:grok-4", "openai:gpt-4o"] });
  assertEquals([listed.model, listed.fallbackModels], ["xai:grok-4", ["openai:gpt-4o"]]);
  assertEquals(OPENAI_CHAT.rewriteRequest(listed, openai).body.model, "gpt-4o");
  assertEquals(read({ ...hello, models: [] }).fallbackModels, []);
});

Deno.test("a list of models that is no list of names, or too long, is refused", () => {
  const many = Array.from({ length: 9 }, (_, index) => `openai:m${index}`);
  for (const models of ["openai:gpt-4o", {}, [""], [7], ["x".repeat(999)], many]) {
    assertEquals(fault({ ...hello, models }), "models");
  }
  assertEquals(read({ ...hello, models: many.slice(0, 8) }).fallbackModels.length, 8);
  assertEquals(fault({ messages: hello.messages, models: [] }), "model");
});

Deno.test("spoken and drawn answers have prices of their own, and hide what they bill", () => {
  const spoken = read({
    ...hello,
    modalities: ["text", "audio"],
    audio: { voice: "alloy", format: "mp3" },
  });
  assertEquals([spoken.features, spoken.hidesOutput], [["output_audio"], true]);
  const drawn = read({ ...hello, modalities: ["image", "text"] });
  assertEquals([drawn.features, drawn.hidesOutput], [["output_image"], true]);
});

Deno.test("a search of OpenAI's chat is one a request, and has a price of its own", () => {
  const request = read({ ...hello, web_search_options: { search_context_size: "low" } });
  assertEquals([request.features, request.webSearchesMax], [["web_search"], 1]);
  const limits = { maxInputTokens: 128_000, imageTokensMax: null };
  assertEquals(OPENAI_CHAT.inputTokensMax(request, limits), 256_000);
});

Deno.test("thinking that the stream shows in part or not at all hides output", () => {
  const hides = [
    { thinking: { type: "enabled", budget_tokens: 2000 } },
    { thinking: { type: "adaptive" } },
    { reasoning: { effort: "high" } },
    { reasoning: { exclude: true } },
    { include_reasoning: false },
    { reasoning_format: "hidden" },
  ];
  for (const body of hides) {
    assertEquals(read({ ...hello, ...body }).hidesOutput, true, JSON.stringify(body));
  }
  const shows = [
    { thinking: { type: "enabled" } }, // DeepSeek, Moonshot, Z.ai
    { thinking: { type: "disabled" } },
    { reasoning: { enabled: false } },
    { reasoning: { effort: "none" } },
    { reasoning_format: "parsed" },
    { reasoning_effort: "high" }, // Whether a model shows it is in its price.
  ];
  for (const body of shows) {
    assertEquals(read({ ...hello, ...body }).hidesOutput, false, JSON.stringify(body));
  }
});

Deno.test("a prompt that lies at the provider hides input", () => {
  const extra_body = { google: { cached_content: "cachedContents/1" } };
  assertEquals(read({ ...hello, extra_body }).hidesInput, true);
  const thinking = { google: { thinking_config: { thinking_budget: 1 } } };
  assertEquals(read({ ...hello, extra_body: thinking }).hidesInput, false);
});

Deno.test("the harmless values of the same fields are forwarded", () => {
  const harmless = {
    modalities: ["text"],
    search_parameters: { mode: "off" },
    plugins: [],
    service_tier: "flex",
    tools: [{ type: "function", function: { name: "f" } }, { type: "custom", custom: {} }],
  };
  assertEquals(rewrite(harmless).body, {
    ...hello,
    ...harmless,
    model: "gpt-4o",
    max_completion_tokens: 60,
  });
});

Deno.test("a body nested a hundred thousand deep is refused without overflowing the stack", () => {
  const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
  assertEquals(fault({ ...hello, metadata: deep }), null);
});

Deno.test("a chat id that is empty, long or no text is refused", () => {
  for (const chat_id of ["", "x".repeat(129), 7, {}]) {
    assertEquals(fault({ ...hello, chat_id }), "chat_id");
  }
});

Deno.test("upstream gets the provider's model and a limit, no chat id, and all else as sent", () => {
  const sent = { temperature: 0.2, seed: 7, unknown_field: { a: [1] }, chat_id: "chat-1" };
  assertEquals(rewrite(sent).body, {
    ...hello,
    temperature: 0.2,
    seed: 7,
    unknown_field: { a: [1] },
    model: "gpt-4o",
    max_completion_tokens: 60,
  });
});

Deno.test("the client's own name for the limit is kept where the provider obeys it", () => {
  const { body } = rewrite({ max_tokens: 100 });
  assertEquals([body.max_tokens, body.max_completion_tokens], [60, undefined]);
});

Deno.test("a limit under a name that the provider does not obey is renamed, not lost", () => {
  const { body } = rewrite({ max_completion_tokens: 100 }, { outputLimitFields: ["max_tokens"] });
  assertEquals([body.max_tokens, body.max_completion_tokens], [60, undefined]);
});

Deno.test("of two equal limits one is sent: providers refuse both at once", () => {
  const { body } = rewrite({ max_tokens: 100, max_completion_tokens: 100 });
  assertEquals([body.max_tokens, body.max_completion_tokens], [undefined, 60]);
});

Deno.test("no limit leaves the request without one", () => {
  const { body } = rewrite({}, { outputTokensLimit: null });
  assertEquals([body.max_tokens, body.max_completion_tokens], [undefined, undefined]);
});

Deno.test("usage is switched on where it must be, keeping other options, and then withheld", () => {
  const upstream = rewrite({ stream: true, stream_options: { include_obfuscation: false } });
  assertEquals(upstream.body.stream_options, { include_obfuscation: false, include_usage: true });
  assertEquals(upstream.withholdUsage, true);
});

Deno.test("usage that the client asked for is not withheld", () => {
  const upstream = rewrite({ stream: true, stream_options: { include_usage: true } });
  assertEquals(upstream.body.stream_options, { include_usage: true });
  assertEquals(upstream.withholdUsage, false);
});

Deno.test("usage is not switched on where it comes anyway, nor in a whole answer", () => {
  for (
    const upstream of [rewrite({ stream: true }, { usageSwitch: "optional" }), rewrite({})]
  ) {
    assertEquals([upstream.body.stream_options, upstream.withholdUsage], [undefined, false]);
  }
});

Deno.test("a client that wants no usage does not switch it off for us, whatever the switch", () => {
  const sent = {
    stream: true,
    stream_options: { include_usage: false, include_obfuscation: true },
  };
  for (const usageSwitch of ["required", "optional"] as const) {
    const { body, withholdUsage } = rewrite(sent, { usageSwitch });
    assertEquals(body.stream_options, { include_usage: true, include_obfuscation: true });
    assertEquals(withholdUsage, true, usageSwitch);
  }
  const { body, withholdUsage } = rewrite(sent, { usageSwitch: "rejected" });
  assertEquals(["stream_options" in body, withholdUsage], [false, false]);
});

Deno.test("a client that says nothing of usage sees what the provider sends of itself", () => {
  for (const stream_options of [null, {}, { include_usage: null }, { include_obfuscation: true }]) {
    const sent = { stream: true, stream_options };
    assertEquals(rewrite(sent, { usageSwitch: "optional" }).withholdUsage, false);
    const required = rewrite(sent).body.stream_options as Record<string, unknown>;
    assertEquals(required.include_usage, true);
  }
});

Deno.test("a provider that rejects the switch never sees it, even from the client", () => {
  const sent = { stream: true, stream_options: { include_usage: true } };
  const upstream = rewrite(sent, { usageSwitch: "rejected" });
  assertEquals(["stream_options" in upstream.body, upstream.withholdUsage], [false, false]);
});

Deno.test("rewriting does not touch the client's own body", () => {
  const body = { ...hello, stream: true, max_tokens: 100, chat_id: "c" };
  const before = structuredClone(body);
  OPENAI_CHAT.rewriteRequest(read(body), openai);
  assertEquals(body, before);
});
