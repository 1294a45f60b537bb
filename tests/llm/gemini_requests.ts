/** Requests of Gemini for tests: read, refused and rewritten. */
import type { ModelRequest, RequestChange, RequestTarget } from "../../shared/llm/dialect.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { accepted, refused } from "./requests.ts";

export const hello = { contents: [{ role: "user", parts: [{ text: "Hello" }] }] };
export const target: RequestTarget = { model: "google:gemini-2.5-flash", stream: false };

export const read = (body: unknown, to = target): ModelRequest => accepted(GEMINI, body, to);
export const fault = (body: unknown, to = target): string | null => refused(GEMINI, body, to).param;

export const config = (generationConfig: unknown) => ({ ...hello, generationConfig });
export const change: RequestChange = {
  model: "gemini-2.5-flash",
  outputTokensLimit: 60,
  usageSwitch: "optional",
  outputLimitFields: ["maxOutputTokens"],
};
export const rewrite = (body: object, more: Partial<RequestChange> = {}, to = target) =>
  GEMINI.rewriteRequest(read({ ...hello, ...body }, to), { ...change, ...more });
