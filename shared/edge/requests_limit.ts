import type { RequestsLimit } from "./refusal.ts";

/**
 * A user's requests in this minute, in the headers by which SDKs pace themselves: OpenAI's names,
 * and its form of a duration. None where nothing limits them.
 */
export function requestsLimitHeaders(
  limit: RequestsLimit | null | undefined,
): Record<string, string> {
  if (!limit) return {};
  return {
    "x-ratelimit-limit-requests": String(limit.limit),
    "x-ratelimit-remaining-requests": String(limit.remaining),
    "x-ratelimit-reset-requests": `${limit.reset_seconds}s`,
  };
}
