import { cors } from "hono/cors";
import type { MiddlewareHandler } from "hono";

/** The response headers that carry meaning, so that a browser's script may read them. */
export const EXPOSED_HEADERS = [
  "x-request-id",
  "request-id", // The same, for the SDKs of Anthropic.
  "x-cost",
  "x-balance",
  "x-free-limit",
  "x-free-exchanges-left",
  "x-guest-token",
  "x-output-limited-by",
  "x-model",
  "x-should-retry",
  "retry-after",
  // The provider's limits, as SDKs read them.
  "retry-after-ms",
  "x-ratelimit-limit-requests",
  "x-ratelimit-limit-tokens",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
  "anthropic-ratelimit-requests-limit",
  "anthropic-ratelimit-requests-remaining",
  "anthropic-ratelimit-requests-reset",
  "anthropic-ratelimit-tokens-limit",
  "anthropic-ratelimit-tokens-remaining",
  "anthropic-ratelimit-tokens-reset",
] as const;

/** Browsers cap how long a preflight may be remembered: two hours is the lowest of the caps. */
const PREFLIGHT_SECONDS = 7200;

/**
 * Answers preflights and marks every response, refusals included, as readable by the allowed origins.
 *
 * @param allowedOrigins `["*"]` or exact origins. With exact origins a page may also send the guest
 * cookie; with `*` browsers forbid that. Request headers are not restricted, because every SDK adds
 * its own.
 */
export function allowOrigins(allowedOrigins: readonly string[]): MiddlewareHandler {
  const anyOrigin = allowedOrigins.includes("*");
  return cors({
    origin: anyOrigin ? "*" : [...allowedOrigins],
    credentials: !anyOrigin,
    allowMethods: ["GET", "HEAD", "POST", "OPTIONS"],
    exposeHeaders: [...EXPOSED_HEADERS],
    maxAge: PREFLIGHT_SECONDS,
  });
}
