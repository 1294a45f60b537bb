import { assert, assertEquals } from "@std/assert";
import type { InputLimits, JsonObject } from "../../shared/llm/dialect.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { hello, read } from "./openai_chat_requests.ts";

const limits = { maxInputTokens: 128_000, imageTokensMax: 765 };
const unlimited = { maxInputTokens: null, imageTokensMax: null };
const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
/** The bound of a body, whatever a request may hold. */
const inputTokensMax = (body: JsonObject, limits: InputLimits) =>
  OPENAI_CHAT.inputTokensMax({ ...read(hello), body }, limits);
const bound = (content: unknown) => inputTokensMax(user(content), limits);
/** What a message of nothing is bound to: the template around it. */
const OVERHEAD = bound("");

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
  const long = "x".repeat(10_000);
  const settings = { metadata: { note: long }, user: long, models: [long], chat_id: long };
  assertEquals(inputTokensMax({ ...user(""), ...settings }, limits), OVERHEAD);
});

Deno.test("an image counts as the model's dearest image, not as its base64", () => {
  const image = { type: "image_url", image_url: { url: `data:,${"A".repeat(4_000_000)}` } };
  const one = bound([image]) - OVERHEAD;
  assert(one >= 765 && one < 765 + 30, `${one}`);
  assertEquals(bound([image, { ...image }]) - OVERHEAD, 2 * one);
});

Deno.test("an image of unknown price is bound by the dearest that is known, and estimated as a usual one", () => {
  const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
  const most = (limits: InputLimits) => inputTokensMax(user([image]), limits);
  assertEquals(most(unlimited) - most({ ...unlimited, imageTokensMax: 0 }), 50_000);
  const GPT_4O_MINI = 48_169;
  assert(most(unlimited) > most({ ...unlimited, imageTokensMax: GPT_4O_MINI }));
  const estimate = (limits: InputLimits) =>
    OPENAI_CHAT.inputTokensEstimate(read({ ...hello, ...user([image]) }), limits);
  assertEquals(estimate(unlimited) - estimate({ ...unlimited, imageTokensMax: 0 }), 800);
});

Deno.test("text that poses as an image outside of a message's parts is counted as text", () => {
  const hidden = { type: "image_url", image_url: "a".repeat(10_000), file: { type: "file" } };
  const tools = [{ type: "function", function: { name: "f", parameters: hidden } }];
  const tokens = inputTokensMax({ ...user(""), tools }, limits);
  assert(tokens > 6000 && tokens < 7000, `${tokens}`);
});

Deno.test("a sound or a file counts as the whole context window", () => {
  for (const type of ["input_audio", "file", "document", "video_url"]) {
    const request = read({ ...hello, ...user([{ type, data: "A" }]) });
    assertEquals(OPENAI_CHAT.inputTokensMax(request, limits), 128_000, type);
    assertEquals(OPENAI_CHAT.inputTokensMax(request, unlimited), 1_000_000, type);
  }
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
