/**
 * Whether an access token is one of this project's, and whose.
 *
 * Tokens signed with an asymmetric key are verified here; for HS256 the Auth server is asked. Either
 * way the answer is kept per isolate for at most a minute and never past the token's own expiry, so
 * a burst of requests of one user costs one question.
 */
import type { Refusal } from "./refusal.ts";
import { sha256Hex } from "./constant_time.ts";
import { createCheckSignature } from "./token_signature.ts";
import { isUuid } from "./uuid.ts";

/** What an accepted token says. `expiresAtMs` is in milliseconds since 1970. */
export type TokenClaims = { userId: string; isAnonymous: boolean; expiresAtMs: number };

/**
 * Verifies a token. Refuses with UNAUTHENTICATED when the token is not valid, and with
 * AUTH_UNAVAILABLE when nobody can tell: a caller must never be taken for a guest then.
 */
export type VerifyToken = (token: string) => Promise<TokenClaims | Refusal>;

export type VerifyTokenOptions = {
  supabaseUrl: string;
  publishableKey: string;
  jwks?: { keys: JsonWebKey[] };
  fetch?: typeof fetch;
  now?: () => number;
};

/** How long a revoked session may still be believed. */
const CACHE_MS_MAX = 60_000;
/** A token and its claims are about 2 kB; this bounds the cache to a few megabytes. */
const CACHE_ENTRIES_MAX = 1_000;
const TOKEN_CHARS_MAX = 16_384;

/** The signatures that a Supabase project can issue. `none` is not among them. */
const ALGORITHMS = new Set(["HS256", "RS256", "ES256"]);

const INVALID: Refusal = {
  code: "UNAUTHENTICATED",
  message: "The access token is not a valid session of this project. Sign in again and retry.",
};
const EXPIRED: Refusal = {
  code: "UNAUTHENTICATED",
  message: "The access token has expired. Refresh the session and retry.",
};
const UNAVAILABLE: Refusal = {
  code: "AUTH_UNAVAILABLE",
  message: "The sign-in service cannot be reached to check the access token. Retry in a moment.",
};

/** Builds the verifier. Make one per isolate: it holds the cache. */
export function createVerifyToken(options: VerifyTokenOptions): VerifyToken {
  const now = options.now ?? Date.now;
  const checkSignature = createCheckSignature({ fetch, ...options, now });
  // By the hash of the token, so that no token lies in memory longer than its request. Insertion
  // order is age: the first key is the oldest. Questions under way are here too.
  const cache = new Map<string, { answer: Promise<TokenClaims | Refusal>; untilMs: number }>();

  return async (token) => {
    const header = token.length <= TOKEN_CHARS_MAX ? decodePart(token.split(".")[0]) : undefined;
    if (header === undefined || !ALGORITHMS.has(String(header.alg))) return INVALID;

    const cacheKey = await sha256Hex(token);
    const cached = cache.get(cacheKey);
    if (cached && now() < cached.untilMs) return await cached.answer;

    const entry = { answer: ask(token, header), untilMs: now() + CACHE_MS_MAX };
    cache.delete(cacheKey);
    if (cache.size >= CACHE_ENTRIES_MAX) cache.delete(cache.keys().next().value!);
    cache.set(cacheKey, entry);
    const claims = await entry.answer;
    if ("code" in claims) {
      if (cache.get(cacheKey) === entry) cache.delete(cacheKey);
    } else {
      entry.untilMs = Math.min(entry.untilMs, claims.expiresAtMs);
    }
    return claims;
  };

  async function ask(
    token: string,
    header: Record<string, unknown>,
  ): Promise<TokenClaims | Refusal> {
    const payload = decodePart(token.split(".")[1]);
    if (typeof payload?.exp !== "number") return INVALID;
    const expiresAtMs = payload.exp * 1000;
    if (expiresAtMs <= now()) return EXPIRED;
    const verdict = await checkSignature(token, header);
    if (verdict !== "valid") return verdict === "unavailable" ? UNAVAILABLE : INVALID;

    // The service roles have no user; such a token authenticates nobody here.
    const { sub, role } = payload;
    if (typeof sub !== "string" || !isUuid(sub)) return INVALID;
    if (role === "anon" || role === "service_role") return INVALID;
    return {
      userId: sub.toLowerCase(),
      isAnonymous: payload.is_anonymous === true,
      expiresAtMs,
    };
  }
}

function decodePart(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const base64 = (part ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}
