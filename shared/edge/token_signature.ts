/**
 * Whether a token was signed for this project: by one of its public keys, or by the word of its Auth
 * server, which alone can tell of HS256.
 */
import { compactVerify } from "jose/jws/compact/verify";
import { withoutTrailingSlashes } from "./trailing_slashes.ts";

/** `unavailable`: nobody can tell. */
export type Verdict = "valid" | "invalid" | "unavailable";

/** A public key; `kid` names it. */
type Jwk = JsonWebKey & { kid?: string };

export type CheckSignatureOptions = {
  supabaseUrl: string;
  publishableKey: string;
  /** Keys that the platform gave; others are asked for when a token names them. */
  jwks?: { keys: JsonWebKey[] };
  fetch: typeof fetch;
  now: () => number;
};

/** The user waits for this before anything else happens. */
const AUTH_TIMEOUT_MS = 5_000;
/** How long keys that the Auth server told are believed. */
const KEYS_MS_MAX = 10 * 60_000;
const ASYMMETRIC = ["RS256", "ES256"];
/** What else a token may hold no header could carry to the Auth server. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What came of a question to the Auth server: its JSON, or what it means that there is none. */
type Told = { kind: "json"; body: unknown } | { kind: "none"; verdict: Verdict };

/**
 * Builds the check of a token's signature; it looks at no claim. Make one per isolate: it holds keys.
 *
 * @returns a function of the whole token and its decoded header. It never rejects.
 */
export function createCheckSignature(
  options: CheckSignatureOptions,
): (token: string, header: Record<string, unknown>) => Promise<Verdict> {
  const base = `${withoutTrailingSlashes(options.supabaseUrl)}/auth/v1`;
  let told: { keys: readonly Jwk[]; atMs: number } = { keys: [], atMs: -Infinity };

  return async (token, { alg, kid }) => {
    if (!JWT.test(token)) return "invalid";
    const isAsymmetric = ASYMMETRIC.includes(String(alg)) && typeof kid === "string";
    const key = isAsymmetric ? await findKey(kid) : null;
    if (typeof key === "string") return key;
    if (key !== null) return await verify(token, key);
    const user = await ask("/user", token);
    return user.kind === "json" ? "valid" : user.verdict;
  };

  /** The key of that name; null where the project has none: the Auth server may know more. */
  async function findKey(kid: string): Promise<Jwk | null | Verdict> {
    const named = (keys: readonly Jwk[]) => keys.find((key) => key.kid === kid);
    const isFresh = options.now() - told.atMs < KEYS_MS_MAX;
    const known = named(options.jwks?.keys ?? []) ?? (isFresh ? named(told.keys) : undefined);
    if (known !== undefined) return known;
    const answer = await ask("/.well-known/jwks.json", null);
    if (answer.kind === "none") return answer.verdict;
    const keys = keysOf(answer.body);
    told = { keys, atMs: options.now() };
    return named(keys) ?? null;
  }

  async function ask(path: string, token: string | null): Promise<Told> {
    try {
      const response = await options.fetch(base + path, {
        headers: {
          apikey: options.publishableKey,
          authorization: `Bearer ${token ?? options.publishableKey}`,
        },
        signal: AbortSignal.timeout(AUTH_TIMEOUT_MS),
      });
      if (response.ok) return { kind: "json", body: await response.json() };
      await response.body?.cancel();
      const isTrouble = response.status === 429 || response.status >= 500;
      return { kind: "none", verdict: isTrouble ? "unavailable" : "invalid" };
    } catch {
      // No connection, no answer in time, or one that is no JSON.
      return { kind: "none", verdict: "unavailable" };
    }
  }
}

async function verify(token: string, key: Jwk): Promise<Verdict> {
  try {
    // Its type wants `kty`, which it also checks.
    await compactVerify(token, key as Jwk & { kty: string }, { algorithms: ASYMMETRIC });
    return "valid";
  } catch {
    // A damaged signature, or an algorithm that does not fit the key.
    return "invalid";
  }
}

function keysOf(body: unknown): Jwk[] {
  if (typeof body !== "object" || body === null || !("keys" in body)) return [];
  return Array.isArray(body.keys) ? body.keys.filter((key) => typeof key?.kid === "string") : [];
}
