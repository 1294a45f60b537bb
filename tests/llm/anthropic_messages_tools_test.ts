import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { fault, hello, read } from "./anthropic_messages_requests.ts";
import { refused } from "./requests.ts";

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

Deno.test("all searches and fetches together are at most a hundred", () => {
  const search = { type: "web_search_20250305", name: "web_search", max_uses: 60 };
  const fetch = { type: "web_fetch_20250910", name: "web_fetch", max_uses: 40 };
  assertEquals(read({ tools: [search, fetch] }).webSearchesMax, 60);
  const more = { ...hello, tools: [search, { ...fetch, max_uses: 41 }] };
  const { message, param } = refused(ANTHROPIC_MESSAGES, more);
  assertEquals(param, "tools[1].max_uses");
  assertStringIncludes(message, "add up to 101");
  assertEquals(fault({ tools: [search, search] }), "tools[1].max_uses");
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
