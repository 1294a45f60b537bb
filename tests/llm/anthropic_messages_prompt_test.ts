import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { InputLimits, ModelRequest } from "../../shared/llm/dialect.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { accepted } from "./requests.ts";

const LIMITS: InputLimits = { maxInputTokens: 200_000, imageTokensMax: 1600 };

const messages = [{ role: "user", content: "Hello" }];
const read = (more: object): ModelRequest =>
  accepted(ANTHROPIC_MESSAGES, { model: "m", max_tokens: 9, messages, ...more });
const bound = (more: object, limits = LIMITS) =>
  ANTHROPIC_MESSAGES.inputTokensMax(read(more), limits);
const estimate = (more: object, limits = LIMITS) =>
  ANTHROPIC_MESSAGES.inputTokensEstimate(read(more), limits);
const say = (...content: object[]) => ({ messages: [{ role: "user", content }] });
const text = (text: string) => ({ type: "text", text });

const long = "The quick brown fox jumps over the lazy dog. ".repeat(50);
const image = { type: "image", source: { type: "base64", data: "A".repeat(100_000) } };

Deno.test("all text counts, wherever it stands, for the bound and for the estimate", () => {
  const [boundBare, estimateBare] = [bound({}), estimate({})];
  for (
    const more of [
      { system: long },
      { system: [text(long)] },
      say(text(long)),
      say({ type: "tool_result", tool_use_id: "1", content: long }),
      say({ type: "tool_result", tool_use_id: "1", content: [text(long)] }),
      say({ type: "tool_use", id: "1", name: "look", input: { long } }),
      say({ type: "thinking", thinking: long, signature: "" }),
      say({ type: "document", source: { type: "text", data: long } }),
      say({ type: "document", source: { type: "content", content: long } }),
      say({ type: "document", source: { type: "content", content: [text(long)] } }),
      say({ type: "search_result", source: "x", title: "x", content: [text(long)] }),
      say({
        type: "web_fetch_tool_result",
        content: { content: { type: "document", source: { type: "text", data: long } } },
      }),
      { tools: [{ name: "look", description: long, input_schema: {} }] },
      { output_config: { format: { type: "json_schema", schema: { description: long } } } },
    ]
  ) {
    assert(bound(more) - boundBare >= 700, JSON.stringify(more).slice(0, 100));
    const added = estimate(more) - estimateBare;
    assert(added >= 500 && added < 1200, `${added}: ${JSON.stringify(more).slice(0, 100)}`);
  }
});

Deno.test("an image counts as the model's dearest, or as half of it, whatever its bytes", () => {
  for (const content of [image, { type: "tool_result", tool_use_id: "1", content: [image] }]) {
    const inAll = bound(say(content));
    assert(inAll >= 1600 && inAll < 1800, `${inAll}`);
    const fair = estimate(say(content));
    assert(fair >= 800 && fair < 1000, `${fair}`);
  }
});

Deno.test("what cannot be counted is the whole context window, and nothing in an estimate", () => {
  const pdf = { type: "document", source: { type: "base64", data: "A".repeat(100_000) } };
  assertEquals(bound(say(pdf)), 200_000);
  assert(estimate(say(pdf)) < 20);
});

Deno.test("each search and each fetch reads the whole window again, in at most 10 rounds", () => {
  const tools = [
    { type: "web_search_20250305", name: "web_search", max_uses: 3 },
    { type: "web_fetch_20250910", name: "web_fetch", max_uses: 2 },
  ];
  assertEquals(bound({ tools }), 6 * 200_000);
  // The provider pauses after 10 rounds.
  assertEquals(bound({ tools: [{ ...tools[0], max_uses: 50 }] }), 11 * 200_000);
});

Deno.test("tools have hidden instructions, and Anthropic's own a hidden description", () => {
  const custom = { name: "look", input_schema: {} };
  assert(bound({ tools: [custom] }) - bound({}) >= 530);
  const computer = { type: "computer_20251124", name: "computer" };
  // Recorded: 1842 tokens for a request of a line with this tool.
  const recorded = { tools: [computer, { type: "bash_20250124", name: "bash" }] };
  assert(bound(recorded) >= 1842);
  assertEquals(bound({ tools: [] }), bound({ tools: null }));
});

Deno.test("a compaction reads the prompt once more, but only from its trigger on", () => {
  const edits = (trigger?: unknown) => ({
    context_management: { edits: [{ type: "compact_20260112", trigger }] },
  });
  const huge = { system: long.repeat(30) };
  const once = bound({ ...huge, context_management: { edits: [] } });
  assert(once > 40_000 && once < 140_000, `${once}`);
  const within = (more: object, times: number) => {
    const got = bound({ ...huge, ...more });
    assert(got >= times * once && got < times * once + 300, `${got} of ${once}`);
  };
  within(edits(), 1);
  within(edits(null), 1);
  within(edits({ type: "input_tokens", value: 500_000 }), 1);
  within(edits({ type: "input_tokens", value: 40_000 }), 2);
  within(edits({ type: "turns" }), 1);
  within(edits({ type: "later", value: "soon" }), 2);
  within({ compaction: { type: "summarize" } }, 2);
  const pdf = { type: "document", source: { type: "url" } };
  assertEquals(bound({ ...say(pdf), ...edits() }), 400_000);
});

Deno.test("search results that come back encrypted are estimated by their length", () => {
  const found = { type: "web_search_result", encrypted_content: "A".repeat(27_400) };
  const more = say({ type: "web_search_tool_result", tool_use_id: "1", content: [found] });
  const fair = estimate(more);
  assert(fair > 9_900 && fair < 10_200, `${fair}`);
  assert(bound(more) >= fair);
});

Deno.test("names and settings that never reach the model cost nothing", () => {
  const settings = { metadata: { user_id: long }, stop_sequences: [long], models: ["m2"] };
  assertEquals(bound(settings), bound({}));
});

Deno.test("no request makes bound or estimate throw, and the estimate is within the bound", () => {
  const keys = ["type", "text", "content", "source", "data", "input", "name", "title", "url"];
  const types = ["text", "image", "document", "tool_result", "tool_use", "search_result", "x"];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<unknown>(null, 1, "content", "base64", ...types),
      fc.string({ unit: "binary" }),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 5 }),
    ),
  })).value;
  const block = fc.tuple(fc.constantFrom(...types), json).map(([type, value]) => ({
    ...(typeof value === "object" && value !== null && !Array.isArray(value) ? value : {}),
    type,
  }));
  fc.assert(fc.property(fc.array(block, { maxLength: 4 }), (content) => {
    const request = ANTHROPIC_MESSAGES.readRequest({
      model: "m",
      max_tokens: 9,
      messages: [{ role: "user", content }],
    });
    if (request.kind === "fault") return;
    const fair = ANTHROPIC_MESSAGES.inputTokensEstimate(request, LIMITS);
    assert(Number.isInteger(fair) && fair >= 0);
    assert(ANTHROPIC_MESSAGES.inputTokensMax(request, LIMITS) >= fair);
  }));
});
