/** Each dialect as most speak it; the rows say where a provider differs. */
import { COUNTING_OF_DIALECT } from "../counting_rules.ts";
import type { Endpoint } from "../provider.ts";

/** Chat Completions. Compatible servers take `max_tokens`, and report usage without being asked. */
export const CHAT: Endpoint = {
  path: "/chat/completions",
  replaces: [],
  keyHeader: "authorization: Bearer",
  headers: {},
  usageSwitch: "optional",
  outputLimitFields: ["max_tokens"],
  outputTokensMin: 1,
  counting: COUNTING_OF_DIALECT["openai-chat"],
};

/** Responses: the usage is in the last event, always. */
export const RESPONSES: Endpoint = {
  ...CHAT,
  path: "/responses",
  outputLimitFields: ["max_output_tokens"],
  outputTokensMin: 16, // OpenAI answers 400 to less.
};

/** Messages: the usage is in `message_delta`, always. The version is the client's, or else this. */
export const MESSAGES: Endpoint = {
  ...CHAT,
  path: "/messages",
  keyHeader: "x-api-key",
  headers: { "anthropic-version": "2023-06-01" },
};

/** Gemini's own: the model and the method follow the path. */
export const GENERATE: Endpoint = {
  ...CHAT,
  path: "/v1beta",
  keyHeader: "x-goog-api-key",
  outputLimitFields: ["maxOutputTokens"],
  counting: COUNTING_OF_DIALECT.gemini,
};

/** What OpenAI's own models take: gpt-5 and the o series reject `max_tokens`. */
export const OPENAI_LIMITS = ["max_completion_tokens", "max_tokens"] as const;

/** Where both names are obeyed, and the older one by more. */
export const EITHER_LIMIT = ["max_tokens", "max_completion_tokens"] as const;
