/**
 * What a test orders from the demo provider: a JSON object in the last user message, between
 * `[[demo: ` and `]]`. Everything else in the message is an ordinary question. An order means the
 * same in every dialect; only how it looks on the wire is the dialect's own.
 *
 *     Hello [[demo: {"output_tokens": 500, "drop_after_tokens": 120}]]
 */
import * as z from "zod/mini";

const count = z.optional(z.int().check(z.nonnegative()));

const Script = z.strictObject({
  /** Answer with this HTTP status and the provider's own error body, before any content. */
  fail: z.optional(z.int().check(z.minimum(400), z.maximum(599))),
  /** Fail only so many times, counted by `key` (else by the whole question), and then answer. */
  fail_times: count,
  key: z.optional(z.string()),
  /** Fail only where this model is asked; others answer. */
  fail_model: z.optional(z.string()),
  /** The header `retry-after` of the failure: seconds, or any text such as a date. */
  retry_after: z.optional(z.union([z.number(), z.string()])),
  /** In a stream: an error frame after so many tokens, then the end, with HTTP status 200. */
  error_frame_after_tokens: count,
  /** In a stream: break the connection after so many tokens. */
  drop_after_tokens: count,
  /** In a stream: end cleanly after so many tokens, with no finish and no usage. */
  end_after_tokens: count,
  /** Exactly so many output tokens besides reasoning, the limit of the request permitting. */
  output_tokens: count,
  /** Exactly this answer. */
  text: z.optional(z.string()),
  /** A 200 with no content and no output tokens. */
  empty: z.optional(z.boolean()),
  reasoning_tokens: count,
  /** The finish reason to report, in the provider's own word, such as `content_filter`. */
  finish: z.optional(z.string()),
  /** Report so many prompt tokens, of which so many read from or written to the cache. */
  prompt_tokens: count,
  cached_tokens: count,
  cache_write_tokens: count,
  cache_write_1h_tokens: count,
  /** Report so many searches of the web, by a tool that the provider runs itself. */
  web_searches: count,
  /** Report this cost in USD, where the provider reports one; else it is the list price. */
  cost: z.optional(z.number()),
  /** Report nothing about usage. */
  omit_usage: z.optional(z.boolean()),
  /** Report exactly this as usage, sense or nonsense; null is possible too. */
  usage: z.optional(z.unknown()),
  /** Call a tool although the question does not ask for one (true), or never (false). */
  call_tool: z.optional(z.boolean()),
  /** Call this tool of the request, with these arguments or an example of what it takes. */
  tool: z.optional(z.union([
    z.string(),
    z.strictObject({ name: z.optional(z.string()), arguments: z.optional(z.unknown()) }),
  ])),
  /** Wait before the first token, between tokens, and once after `stall_after_tokens`. */
  first_token_ms: count,
  token_ms: count,
  stall_ms: count,
  stall_after_tokens: count,
  /** Cut the body into pieces of so many bytes, wherever that falls. */
  split_bytes: z.optional(z.int().check(z.minimum(1))),
  /** End lines with CRLF, or with LF where the provider's own are CRLF. */
  crlf: z.optional(z.boolean()),
  /** Leave the terminal event out: `data: [DONE]`, `message_stop`, `response.completed`. */
  omit_done: z.optional(z.boolean()),
});

export type DemoScript = z.infer<typeof Script>;

/** The script in the text, `{}` when there is none. @throws Error when there is one that is wrong. */
export function readScript(text: string): DemoScript {
  const start = text.lastIndexOf("[[demo:");
  const end = endOf(text, start);
  if (start === -1 || end === -1) return {};
  return Script.parse(JSON.parse(text.slice(start + "[[demo:".length, end)));
}

/** The text without its script: what an answer may quote. */
export function withoutScript(text: string): string {
  return text.replace(/\[\[demo:(.*?\}\s*|.*?)\]\]/gs, "").trim();
}

/** Where the script's `]]` is: the first one behind a closing brace, as arrays may hold `]]`. */
function endOf(text: string, start: number): number {
  if (start === -1) return -1;
  const brace = /\}\s*\]\]/.exec(text.slice(start));
  return brace === null ? text.indexOf("]]", start) : start + brace.index + 1;
}
