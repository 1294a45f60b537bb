import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  createTextTokens,
  estimateTokens,
  IMAGE_TOKENS_DEFAULT,
  inputTokensMax,
} from "../../shared/llm/token_bounds.ts";

const limits = { maxInputTokens: 128_000, imageTokensMax: 765 };
const unlimited = { maxInputTokens: null, imageTokensMax: null };
const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const bound = (content: unknown) => inputTokensMax(user(content), limits);
/** What a message of nothing is bound to: the template around it. */
const OVERHEAD = bound("");

Deno.test("a letter, digit or space is at most half a token, any other byte one", () => {
  const upper = (text: string) => {
    const tokens = createTextTokens();
    tokens.add(text);
    return tokens.upper();
  };
  assertEquals(upper("abc 123 "), 4);
  assertEquals(upper("a"), 1);
  assertEquals(upper("{}\n"), 3);
  assertEquals(upper("é"), 2);
  assertEquals(upper("字"), 3);
  assertEquals(upper("😀"), 4);
});

Deno.test("English is estimated at four characters a token, Chinese at one", () => {
  assertEquals(estimateTokens("The quick brown fox jumps over the lazy dog."), 11);
  assertEquals(estimateTokens("敏捷的棕色狐狸"), 7);
  assertEquals(estimateTokens(""), 0);
});

Deno.test("text in pieces counts as the text whole, cut anywhere", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (parts) => {
    const [whole, pieces] = [createTextTokens(), createTextTokens()];
    whole.add(parts.join(""));
    for (const unit of parts.join("").split("")) pieces.add(unit);
    assertEquals([pieces.upper(), pieces.estimate()], [whole.upper(), whole.estimate()]);
  }));
});

Deno.test("the estimate is never above the upper bound", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 500 }), (text) => {
    const tokens = createTextTokens();
    tokens.add(text);
    return tokens.estimate() <= tokens.upper();
  }));
});

Deno.test("all strings of messages and tools are counted, names and structure included", () => {
  const text = "x".repeat(1000);
  assert(bound(text) >= OVERHEAD + 500);
  assert(bound([{ type: "text", text }]) >= OVERHEAD + 500);
  const tools = [{ type: "function", function: { name: "f", description: text, parameters: {} } }];
  assert(inputTokensMax({ ...user(""), tools }, limits) >= OVERHEAD + 500);
  const schema = { type: "object", properties: { [text]: { type: "string" } } };
  assert(inputTokensMax({ ...user(""), response_format: { schema } }, limits) >= OVERHEAD + 500);
});

Deno.test("each message adds its template", () => {
  const messages = Array.from({ length: 100 }, () => ({ role: "user", content: "" }));
  assert(inputTokensMax({ messages }, limits) >= 100 * 8);
});

Deno.test("what does not reach the model costs nothing", () => {
  const metadata = { note: "x".repeat(10_000) };
  assertEquals(inputTokensMax({ ...user(""), metadata, user: "x".repeat(999) }, limits), OVERHEAD);
});

Deno.test("an image counts as the model's dearest image, not as its base64", () => {
  const image = { type: "image_url", image_url: { url: `data:,${"A".repeat(4_000_000)}` } };
  const one = bound([image]) - OVERHEAD;
  assert(one >= 765 && one < 765 + 20, `${one}`);
  assertEquals(bound([image, { ...image }]) - OVERHEAD, 2 * one);
  const byDefault = inputTokensMax(user([image]), unlimited) - OVERHEAD;
  assertEquals(byDefault - IMAGE_TOKENS_DEFAULT, one - 765);
});

Deno.test("text that poses as an image outside of a message's parts is counted as text", () => {
  const hidden = { type: "image_url", image_url: "x".repeat(10_000), file: { type: "file" } };
  const tools = [{ type: "function", function: { name: "f", parameters: hidden } }];
  const tokens = inputTokensMax({ ...user(""), tools }, limits);
  assert(tokens > 5000 && tokens < 6000, `${tokens}`);
});

Deno.test("a sound or a file counts as the whole context window", () => {
  for (const type of ["input_audio", "file", "document", "video_url"]) {
    assertEquals(bound([{ type, data: "A" }]), 128_000, type);
  }
  assertEquals(inputTokensMax(user([{ type: "file" }]), unlimited), 1_000_000);
});

Deno.test("no prompt is bound above the context window", () => {
  assertEquals(bound("!".repeat(1_000_000)), 128_000);
});

Deno.test("ten megabytes of anything are bound within seconds, however deep", () => {
  const started = performance.now();
  bound("字".repeat(3_000_000));
  bound(JSON.parse("[".repeat(1_000_000) + "]".repeat(1_000_000)));
  inputTokensMax({ messages: Array.from({ length: 500_000 }, () => ({ a: 1 })) }, limits);
  assert(performance.now() - started < 10_000);
});
