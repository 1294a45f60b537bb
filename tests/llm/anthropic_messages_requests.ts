/** Requests of Anthropic Messages for tests: read, refused and rewritten. */
import type { ModelRequest, RequestChange } from "../../shared/llm/dialect.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { accepted, refused } from "./requests.ts";

export const hello = {
  model: "anthropic:claude-sonnet-4-5",
  max_tokens: 4000,
  messages: [{ role: "user", content: "Hello" }],
};

export const read = (more: object = {}): ModelRequest =>
  accepted(ANTHROPIC_MESSAGES, { ...hello, ...more });
export const faultOf = (body: unknown): string | null => refused(ANTHROPIC_MESSAGES, body).param;
export const fault = (more: object) => faultOf({ ...hello, ...more });

const change: RequestChange = {
  model: "claude-sonnet-4-5",
  outputTokensLimit: null,
  usageSwitch: "optional",
  outputLimitFields: ["max_tokens"],
};
export const rewrite = (more: object, outputTokensLimit: number | null) =>
  ANTHROPIC_MESSAGES.rewriteRequest(read(more), { ...change, outputTokensLimit });
