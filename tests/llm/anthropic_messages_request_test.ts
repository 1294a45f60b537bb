import { assert, assertEquals } from "@std/assert";
import type { ModelRequest, RequestChange } from "../../shared/llm/dialect.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { accepted, PLAIN, refused } from "./requests.ts";

const hello = {
  model: "anthropic:claude-sonnet-4-5",
  max_tokens: 4000,
  messages: [{ role: "user", content: "Hello" }],
};

const read = (more: object = {}): ModelRequest =>
  accepted(ANTHROPIC_MESSAGES, { ...hello, ...more });
const faultOf = (body: unknown): string | null => refused(ANTHROPIC_MESSAGES, body).param;
const fault = (more: object) => faultOf({ ...hello, ...more });

const change: RequestChange = {
  model: "claude-sonnet-4-5",
  outputTokensLimit: null,
  usageSwitch: "optional",
  outputLimitFields: ["max_tokens"],
};
const rewrite = (more: object, outputTokensLimit: number | null) =>
  ANTHROPIC_MESSAGES.rewriteRequest(read(more), { ...change, outputTokensLimit });

Deno.test("a plain message is read: not streamed, with its limit, its usage not to be withheld", () => {
  const { body, ...request } = read();
  assertEquals(body, hello);
  assertEquals(request, {
    ...PLAIN,
    model: "anthropic:claude-sonnet-4-5",
    outputTokensLimit: 4000,
    wantsUsage: true,
  });
});

Deno.test("what fields are absent or null is as if they were left out", () => {
  const nothing = { stream: null, system: null, tools: null, thinking: null, speed: null };
  const nulls = { container: null, mcp_servers: [], context_management: null, models: null };
  assertEquals({ ...read({ ...nothing, ...nulls }), body: hello }, read());
  assertEquals(read({ stream: true }).stream, true);
});

Deno.test("a body, a model, messages or a limit that are not what they must be are refused", () => {
  for (const body of [null, [], "x", 1, true, undefined]) assertEquals(faultOf(body), null);
  for (const model of [undefined, null, "", ["x"], 4, "x".repeat(1000)]) {
    assertEquals(fault({ model }), "model");
  }
  for (const max_tokens of [undefined, null, 0, -1, 1.5, "100", 1e12]) {
    assertEquals(fault({ max_tokens }), "max_tokens");
  }
  for (const messages of [undefined, null, [], "x", {}]) {
    assertEquals(fault({ messages }), "messages");
  }
  const message = { role: "user", content: "x" };
  assertEquals(fault({ messages: Array(6000).fill(message) }), "messages");
  assertEquals(fault({ messages: [message, "x"] }), "messages[1]");
  for (const content of [undefined, null, 1, {}]) {
    assertEquals(fault({ messages: [{ role: "user", content }] }), "messages[0].content");
  }
  for (const content of [["x"], [{}], [{ type: 1 }]]) {
    assertEquals(fault({ messages: [{ role: "user", content }] }), "messages[0].content[0]");
  }
  assertEquals(fault({ system: 1 }), "system");
  assertEquals(fault({ stream: "yes" }), "stream");
  let deep: unknown = "x";
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assertEquals(fault({ metadata: deep }), null);
});

Deno.test("what costs more than the price, or is billed beside it, is refused with its field", () => {
  for (
    const [field, refused, allowed] of [
      ["speed", "fast", "standard"],
      ["inference_geo", "us", "global"],
      ["service_tier", "priority", "auto"],
      ["service_tier", "batch", "standard_only"],
      ["container", "container_1", null],
      ["mcp_servers", [{ url: "https://example.com" }], []],
      ["fallbacks", "default", []],
      ["fallback_credit_token", "t", null],
      ["billing_policy", { type: "billing_policy" }, null],
      ["thread", { type: "create" }, null],
      ["plugins", [{ id: "web" }], []],
      ["background", true, false],
    ] as const
  ) {
    assertEquals(fault({ [field]: refused }), field);
    assertEquals(read({ [field]: allowed }).model, hello.model);
  }
});

Deno.test("tools at the client cost tokens alone: custom ones and Anthropic's own", () => {
  const schema = { input_schema: { type: "object" } };
  const tools = [
    { name: "look", ...schema },
    { type: null, name: "look", ...schema },
    { type: "custom", name: "look", ...schema },
    { type: "bash_20250124", name: "bash" },
    { type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
    { type: "computer_20251124", name: "computer", display_width_px: 1, display_height_px: 1 },
    { type: "memory_20250818", name: "memory" },
    { type: "computer_toolset_20260801" },
  ];
  const request = read({ tools });
  assertEquals([request.features, request.webSearchesMax, request.hidesInput], [[], 0, false]);
});

Deno.test("tools at the provider are refused, save searching and fetching within a bound", () => {
  for (
    const type of [
      ...["code_execution_20250825", "advisor_20260301", "mcp_toolset", "web_search", "function"],
      ...["tool_search_tool_bm25_20251119", "web_search_20250305x", "openrouter:web_search", 7],
    ]
  ) {
    assertEquals(fault({ tools: [{ type, name: "x", max_uses: 1 }] }), "tools[0].type");
  }
  assertEquals(fault({ tools: [{ name: "google_search" }] }), "tools[0].type");
  assertEquals(fault({ tools: {} }), "tools");
  assertEquals(fault({ tools: ["x"] }), "tools[0]");
  for (const type of ["web_search_20250305", "web_fetch_20250910"]) {
    for (const max_uses of [undefined, null, 0, 1.5, "3", 1000]) {
      assertEquals(fault({ tools: [{ type, name: "x", max_uses }] }), "tools[0].max_uses");
    }
  }
});

Deno.test("a bounded search needs a price of its own, a fetch does not; both hide input", () => {
  const search = { type: "web_search_20250305", name: "web_search", max_uses: 3 };
  const searches = read({ tools: [search, { ...search, max_uses: 2 }] });
  assertEquals(
    [searches.features, searches.webSearchesMax, searches.hidesInput],
    [["web_search"], 5, true],
  );
  const fetches = read({ tools: [{ type: "web_fetch_20250910", name: "web_fetch", max_uses: 2 }] });
  assertEquals([fetches.features, fetches.webSearchesMax, fetches.hidesInput], [[], 0, true]);
});

Deno.test("a tool that the messages define is checked as those of the request are", () => {
  const withBlock = (block: object) => ({ messages: [{ role: "user", content: [block] }] });
  const add = (definition: object) => ({
    type: "tool_addition",
    tool: { type: "tool_definition", definition },
  });
  const search = { type: "web_search_20250305", name: "web_search" };
  assertEquals(fault(withBlock(add(search))), "messages");
  assertEquals(fault(withBlock({ type: "compaction", tool_changes: [add(search)] })), "messages");
  assert(read(withBlock(add({ name: "look", input_schema: {} }))));
  assert(
    read(withBlock({ type: "tool_addition", tool: { type: "tool_reference", name: "look" } })),
  );
});

Deno.test("files, PDFs and what is not known hide input; text, images and what tools found do not", () => {
  const source = (type: string) => ({ type: "document", source: { type, data: "x" } });
  const image = { type: "image", source: { type: "base64", data: "AAAA" } };
  const hides = (block: object) =>
    read({ messages: [{ role: "user", content: [block] }] }).hidesInput;
  const result = (...content: object[]) => ({ type: "tool_result", tool_use_id: "1", content });
  const fetched = (document: object) => ({
    type: "web_fetch_tool_result",
    content: { type: "web_fetch_result", content: document },
  });
  for (
    const block of [
      ...["base64", "url", "later"].map(source),
      result(source("base64")),
      { type: "document", source: { type: "content", content: [source("url")] } },
      fetched(source("base64")),
      { type: "audio" },
    ]
  ) assertEquals(hides(block), true, JSON.stringify(block));
  for (
    const block of [
      { type: "text", text: "x" },
      image,
      source("text"),
      result(image, { type: "text", text: "x" }),
      { type: "document", source: { type: "content", content: [image] } },
      { type: "search_result", source: "x", title: "x", content: [{ type: "text", text: "x" }] },
      { type: "thinking", thinking: "x", signature: "x" },
      { type: "redacted_thinking", data: "x" },
      { type: "tool_use", id: "1", name: "look", input: {} },
      { type: "web_search_tool_result", content: [{ type: "web_search_result" }] },
      fetched(source("text")),
    ]
  ) assertEquals(hides(block), false, JSON.stringify(block));
  assertEquals(read({ system: [source("url")] }).hidesInput, true);
});

Deno.test("thinking hides output, of which Claude 4 shows a summary, unless it is disabled", () => {
  for (const type of ["enabled", "adaptive", "between_tools"]) {
    assertEquals(read({ thinking: { type, budget_tokens: 1024 } }).hidesOutput, true);
  }
  assertEquals(read({ thinking: { type: "disabled" } }).hidesOutput, false);
  for (const thinking of ["enabled", true, [], {}]) assertEquals(fault({ thinking }), "thinking");
});

Deno.test("contexts are cleared and compacted; what else may be done to them is refused", () => {
  const edits = (...types: unknown[]) => ({
    context_management: { edits: types.map((type) => ({ type })) },
  });
  assert(read(edits("clear_tool_uses_20250919", "clear_thinking_20251015", "compact_20260112")));
  const refused = edits("clear_tool_uses_20250919", "delegate_20270101");
  assertEquals(fault(refused), "context_management.edits[1].type");
  assertEquals(fault({ context_management: { edits: {} } }), "context_management.edits");
});

Deno.test("a file that lies at the provider is refused, for it could be another user's", () => {
  const source = { type: "file", file_id: "file_1" };
  const document = { type: "document", source };
  for (
    const block of [
      document,
      { type: "image", source },
      { type: "document", source: { type: "file" } },
      { type: "container_upload", file_id: "file_1" },
      { type: "tool_result", tool_use_id: "1", content: [document] },
      { type: "document", source: { type: "content", content: [document] } },
      { type: "web_fetch_tool_result", content: { content: document } },
    ]
  ) {
    const messages = [{ role: "user", content: [block] }];
    assertEquals(fault({ messages }), "messages", JSON.stringify(block));
  }
  assertEquals(fault({ system: [document] }), "messages");
  const call = { type: "tool_use", id: "1", name: "look", input: { file_id: "mine" } };
  assert(read({ messages: [{ role: "assistant", content: [call] }] }));
});

Deno.test("a chat's id is read, refused where it is none, and never forwarded", () => {
  assertEquals(read({ chat_id: "chat-1" }).chatId, "chat-1");
  assertEquals("chat_id" in rewrite({ chat_id: "chat-1" }, 100).body, false);
  for (const chat_id of ["", 7, {}, "x".repeat(129)]) assertEquals(fault({ chat_id }), "chat_id");
});

Deno.test("other models to try are read, and are not the provider's business", () => {
  const models = [hello.model, "openai:gpt-4o"];
  assertEquals(read({ models }).fallbackModels, ["openai:gpt-4o"]);
  assertEquals(rewrite({ models }, 100).body.models, undefined);
  for (const models of ["x", [1], Array.from({ length: 9 }, (_, i) => `m${i}`)]) {
    assertEquals(fault({ models }), "models");
  }
});

Deno.test("model and limit are changed, and nothing else", () => {
  const more = { stream: true, temperature: 0.5, system: "Be brief.", metadata: { user_id: "u" } };
  assertEquals(rewrite(more, 60), {
    body: { ...hello, ...more, model: "claude-sonnet-4-5", max_tokens: 60 },
    withholdUsage: false,
    pathSuffix: "",
  });
  assertEquals(rewrite(more, null).body.max_tokens, 4000);
});

Deno.test("a budget of thinking keeps its share of a lower limit, and below the least there is none", () => {
  const thinking = (budget_tokens: number) => ({ thinking: { type: "enabled", budget_tokens } });
  for (
    const [budget, limit, expected] of [
      [3000, 4000, thinking(3000)], // Nothing was lowered.
      [2000, 2500, thinking(2000)], // It still fits.
      [3000, 2000, thinking(1500)],
      [1500, 1200, thinking(1024)],
      [3999, 1025, thinking(1024)],
      [16_000, 3000, thinking(2999)], // Interleaved: above the limit from the start.
      [16_000, 4000, thinking(16_000)],
      [3000, 1024, { thinking: { type: "disabled" } }],
      [3000, 5, { thinking: { type: "disabled" } }],
    ] as const
  ) {
    const { body } = rewrite(thinking(budget), limit);
    assertEquals({ thinking: body.thinking }, expected, `${budget} in ${limit}`);
  }
  const adaptive = { thinking: { type: "adaptive" } };
  assertEquals({ thinking: rewrite(adaptive, 5).body.thinking }, adaptive);
});

Deno.test("where thinking is dropped, so is the edit that clears it", () => {
  const edits = [{ type: "clear_thinking_20251015" }, { type: "clear_tool_uses_20250919" }];
  const { body } = rewrite(
    { thinking: { type: "enabled", budget_tokens: 3000 }, context_management: { edits } },
    500,
  );
  assertEquals<unknown>(body.context_management, { edits: [edits[1]] });
});

Deno.test("a well-formed version of the API is passed on, and no other header of the client", () => {
  const forward = (headers: Record<string, string>) =>
    ANTHROPIC_MESSAGES.requestHeaders(new Headers(headers));
  const key = { "x-api-key": "secret", authorization: "Bearer secret", "x-chat-id": "1" };
  assertEquals(forward({ ...key, "anthropic-version": "2023-06-01" }), {
    "anthropic-version": "2023-06-01",
  });
  for (const version of ["2023-01-01", "latest", "2023-06-01, 2023-06-01", "2023-6-1", ""]) {
    assertEquals(forward({ "anthropic-version": version }), {});
  }
  assertEquals(forward(key), {});
});

Deno.test("betas that cannot change a price are passed on; others and unknown ones are dropped", () => {
  const harmless = [
    ...["interleaved-thinking-2025-05-14", "fine-grained-tool-streaming-2025-05-14"],
    ...["prompt-caching-2024-07-31", "extended-cache-ttl-2025-04-11", "computer-use-2025-11-24"],
  ];
  const dropped = [
    ...["context-1m-2025-08-07", "fast-mode-2026-02-01", "code-execution-2025-05-22", "skills"],
    ...["mcp-client-2025-11-20", "advisor-tool-2026-03-01", "pdfs", "pdfs-2024-09-25x", "pdfs-1"],
  ];
  const forward = (betas: readonly string[]) =>
    ANTHROPIC_MESSAGES.requestHeaders(new Headers({ "anthropic-beta": betas.join(", ") }));
  assertEquals(forward([...dropped, ...harmless, ...harmless]), {
    "anthropic-beta": harmless.join(","),
  });
  assertEquals(forward(dropped), {});
});
