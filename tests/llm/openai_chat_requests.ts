/** Requests of Chat Completions for tests: read, refused and rewritten. */
import type { ModelRequest, RequestChange, UpstreamRequest } from "../../shared/llm/dialect.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";
import { accepted, refused } from "./requests.ts";

export const hello = { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] };

export const read = (body: unknown): ModelRequest => accepted(OPENAI_CHAT, body);

/** The parameter that a body must be refused for. */
export const fault = (body: unknown): string | null => refused(OPENAI_CHAT, body).param;

/** What the proxy changes for OpenAI. */
export const openai: RequestChange = {
  model: "gpt-4o",
  outputTokensLimit: 60,
  usageSwitch: "required",
  outputLimitFields: ["max_completion_tokens", "max_tokens"],
};

export const rewrite = (
  body: object,
  change: Partial<RequestChange> = {},
): UpstreamRequest =>
  OPENAI_CHAT.rewriteRequest(read({ ...hello, ...body }), { ...openai, ...change });
