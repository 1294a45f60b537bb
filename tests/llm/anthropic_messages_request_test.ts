import { assert, assertEquals } from "@std/assert";
import { fault, faultOf, hello, read, rewrite } from "./anthropic_messages_requests.ts";
import { PLAIN } from "./requests.ts";

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
