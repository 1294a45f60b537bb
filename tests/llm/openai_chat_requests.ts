/** Requests of Chat Completions for tests: read, refused and rewritten. */
import { assertMatch } from "@std/assert";
import type { ModelRequest, RequestChange, UpstreamRequest } from "../../shared/llm/dialect.ts";
import { OPENAI_CHAT } from "../../shared/llm/dialects/openai_chat.ts";

export const hello = { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] };

/** The request of a body that must be accepted. */
export function read(body: unknown): ModelRequest {
  const request = OPENAI_CHAT.readRequest(body);
  if (request.kind !== "request") throw new Error(`refused: ${JSON.stringify(request)}`);
  return request;
}

/** The parameter that a body must be refused for. */
export function fault(body: unknown): string | null {
  const request = OPENAI_CHAT.readRequest(body);
  if (request.kind !== "fault") {
    throw new Error(`not refused: ${JSON.stringify(body).slice(0, 200)}`);
  }
  assertMatch(request.message, /\w.*\.$/);
  return request.param;
}

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
