/** The headers in which a provider tells its limits. The numbers are made up; nothing counts them. */

const REQUESTS = 10_000;
const TOKENS = 2_000_000;

/**
 * @param tokens what this request counts for.
 * @param now in milliseconds since 1970.
 */
export function rateLimitHeaders(
  provider: string,
  tokens: number,
  now: number,
): Record<string, string> {
  const left = TOKENS - tokens;
  switch (provider) {
    case "openai":
    case "azure":
    case "groq":
      return openAiLimits(left);
    case "anthropic":
      return anthropicLimits(left, new Date(now + 1_000).toISOString().replace(/\.\d+/, ""));
    case "xai":
      return pairs({
        "x-ratelimit-limit-requests": REQUESTS,
        "x-ratelimit-limit-tokens": TOKENS,
        "x-ratelimit-remaining-requests": REQUESTS - 1,
        "x-ratelimit-remaining-tokens": left,
      });
    case "mistral":
      return pairs({
        "x-ratelimit-limit-tokens-minute": TOKENS,
        "x-ratelimit-remaining-tokens-minute": left,
        "x-ratelimit-tokens-query-cost": tokens,
      });
    case "cerebras":
      return pairs({
        "x-ratelimit-limit-requests-day": REQUESTS,
        "x-ratelimit-limit-tokens-minute": TOKENS,
        "x-ratelimit-remaining-requests-day": REQUESTS - 1,
        "x-ratelimit-remaining-tokens-minute": left,
        "x-ratelimit-reset-requests-day": "33011.382867",
        "x-ratelimit-reset-tokens-minute": "11.382867",
      });
    case "together":
      return pairs({
        "x-ratelimit-limit": REQUESTS,
        "x-ratelimit-remaining": REQUESTS - 1,
        "x-ratelimit-reset": 1,
      });
    case "fireworks":
      return pairs({
        "x-ratelimit-limit-requests": REQUESTS,
        "x-ratelimit-limit-tokens-generated": TOKENS,
        "x-ratelimit-limit-tokens-prompt": TOKENS,
        "x-ratelimit-remaining-requests": REQUESTS - 1,
        "x-ratelimit-remaining-tokens-generated": left,
        "x-ratelimit-remaining-tokens-prompt": left,
      });
    default:
      return {};
  }
}

/** OpenAI's resets are durations. */
function openAiLimits(left: number): Record<string, string> {
  return pairs({
    "x-ratelimit-limit-requests": REQUESTS,
    "x-ratelimit-limit-tokens": TOKENS,
    "x-ratelimit-remaining-requests": REQUESTS - 1,
    "x-ratelimit-remaining-tokens": left,
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "120ms",
  });
}

/** Anthropic's resets are times. */
function anthropicLimits(left: number, reset: string): Record<string, string> {
  const limits: Record<string, string> = {};
  for (const kind of ["requests", "tokens", "input-tokens", "output-tokens"]) {
    const isRequests = kind === "requests";
    limits[`anthropic-ratelimit-${kind}-limit`] = String(isRequests ? REQUESTS : TOKENS);
    limits[`anthropic-ratelimit-${kind}-remaining`] = String(isRequests ? REQUESTS - 1 : left);
    limits[`anthropic-ratelimit-${kind}-reset`] = reset;
  }
  return limits;
}

function pairs(values: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
