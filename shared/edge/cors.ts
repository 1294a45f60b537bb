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
  "x-idempotent-replay",
  "x-original-request-id",
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

/** Reads which origins may call: `["*"]` or exact ones. Must not reject. */
export type ReadOrigins = () => Promise<readonly string[]>;

/**
 * Answers preflights and marks every response, refusals included, as readable by the allowed origins.
 * With exact origins a page may also send the guest cookie; with `*` browsers forbid that. Request
 * headers are not restricted, because every SDK adds its own.
 */
export function allowOrigins(readOrigins: ReadOrigins): MiddlewareHandler {
  const made = new WeakMap<readonly string[], MiddlewareHandler>();
  return async (c, next) => {
    // Read beside the request, which would have to wait for it otherwise.
    const reading = readOrigins();
    if (c.req.method !== "OPTIONS") await next();
    const origins = await reading;
    const mark = made.get(origins) ?? markFor(origins);
    made.set(origins, mark);
    return await mark(c, () => Promise.resolve());
  };
}

function markFor(origins: readonly string[]): MiddlewareHandler {
  const anyOrigin = origins.includes("*");
  return cors({
    origin: anyOrigin ? "*" : [...origins],
    credentials: !anyOrigin,
    allowMethods: ["GET", "HEAD", "POST", "OPTIONS"],
    exposeHeaders: [...EXPOSED_HEADERS],
    maxAge: PREFLIGHT_SECONDS,
  });
}
