import { assertEquals } from "@std/assert";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { fault, hello, openai, read, rewrite } from "./openai_chat_requests.ts";

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
    extra_body: { google: { cached_content: "cachedContents/another" } },
    google: { cachedContent: "cachedContents/another" },
    n_predict: 9000,
    max_new_tokens: 9000,
    num_predict: -1,
    best_of: 2,
    options: { num_predict: 9000 },
  };
  for (const [name, value] of Object.entries(unmetered)) {
    assertEquals(fault({ ...hello, [name]: value }), name);
    assertEquals(read({ ...hello, [name]: null }).kind, "request");
  }
  const tools = [{ type: "function", function: { name: "f" } }, { type: "web_search" }];
  assertEquals(fault({ ...hello, tools }), "tools[1].type");
  assertEquals(fault({ ...hello, tools: {} }), "tools");
});

Deno.test("Google's other fields in its compatible API are passed on", () => {
  const extra_body = { google: { thinking_config: { thinking_budget: 0 } } };
  assertEquals(read({ ...hello, extra_body }).kind, "request");
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
    { reasoning_effort: "low" },
    { extra_body: { google: { thinking_config: { thinking_budget: 2000 } } } },
    { extra_body: { google: { thinking_config: { include_thoughts: true } } } },
    { google: { thinking_config: { thinking_level: "high" } } },
    { google: { thinkingConfig: { thinkingBudget: -1 } } },
    { google: { thinking_config: { thinking_budget: 0, thinkingBudget: 2000 } } },
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
    { reasoning_effort: "none" },
    { reasoning_effort: null },
    { extra_body: { google: { thinking_config: { thinking_budget: 0 } } } },
    { google: { thinkingConfig: { thinkingBudget: 0 } } },
    { google: {} },
  ];
  for (const body of shows) {
    assertEquals(read({ ...hello, ...body }).hidesOutput, false, JSON.stringify(body));
  }
});

Deno.test("the harmless values of the same fields are forwarded", () => {
  const harmless = {
    modalities: ["text"],
    search_parameters: { mode: "off" },
    plugins: [],
    service_tier: "flex",
    tools: [{ type: "function", function: { name: "f" } }, { type: "custom", custom: {} }],
    best_of: 1,
    options: { num_ctx: 4096 },
  };
  assertEquals(rewrite(harmless).body, {
    ...hello,
    ...harmless,
    model: "gpt-4o",
    max_completion_tokens: 60,
  });
});
