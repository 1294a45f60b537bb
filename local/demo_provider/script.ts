/**
 * What a test orders from the demo provider: a JSON object in the last user message, between
 * `[[demo: ` and `]]`. Everything else in the message is an ordinary question.
 *
 *     Hello [[demo: {"output_tokens": 500, "drop_after_tokens": 120}]]
 */
import * as z from "zod/mini";

const count = z.optional(z.int().check(z.nonnegative()));

const Script = z.strictObject({
  /** Answer with this HTTP status and the provider's own error body, before any content. */
  fail: z.optional(z.int().check(z.minimum(400), z.maximum(599))),
  /** In a stream: an error frame after so many tokens, then the end, with HTTP status 200. */
  error_frame_after_tokens: count,
  /** In a stream: break the connection after so many tokens. */
  drop_after_tokens: count,
  /** In a stream: end cleanly after so many tokens, with no finish, no usage and no `[DONE]`. */
  end_after_tokens: count,
  /** Exactly so many output tokens, the limit of the request permitting. */
  output_tokens: count,
  /** Exactly this answer. */
  text: z.optional(z.string()),
  /** A 200 with no content and no output tokens. */
  empty: z.optional(z.boolean()),
  reasoning_tokens: count,
  /** Report so many prompt tokens, of which so many read from or written to the cache. */
  prompt_tokens: count,
  cached_tokens: count,
  cache_write_tokens: count,
  /** Report nothing about usage. */
  omit_usage: z.optional(z.boolean()),
  /** Report exactly this as usage, sense or nonsense; null is possible too. */
  usage: z.optional(z.unknown()),
  /** Call a tool although the question does not ask for one (true), or never (false). */
  call_tool: z.optional(z.boolean()),
  /** Wait before the first token, between tokens, and once after `stall_after_tokens`. */
  first_token_ms: count,
  token_ms: count,
  stall_ms: count,
  stall_after_tokens: count,
  /** Cut the body into pieces of so many bytes, wherever that falls. */
  split_bytes: z.optional(z.int().check(z.minimum(1))),
  /** End lines with CRLF. */
  crlf: z.optional(z.boolean()),
  /** Leave `data: [DONE]` out. */
  omit_done: z.optional(z.boolean()),
});

export type DemoScript = z.infer<typeof Script>;

/** The script in the text, `{}` when there is none. @throws Error when there is one that is wrong. */
export function readScript(text: string): DemoScript {
  const start = text.lastIndexOf("[[demo:");
  const end = text.indexOf("]]", start);
  if (start === -1 || end === -1) return {};
  return Script.parse(JSON.parse(text.slice(start + "[[demo:".length, end)));
}

/** The text without its script: what an answer may quote. */
export function withoutScript(text: string): string {
  return text.replace(/\[\[demo:.*?\]\]/gs, "").trim();
}
