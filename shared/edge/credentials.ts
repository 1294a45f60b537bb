/**
 * Finds the credential of a request, wherever the SDK in use puts it.
 */
import { isOneOfSecrets } from "./constant_time.ts";

/** What a request presented: which of our keys, or something that must be a user's access token. */
export type Credential =
  | { kind: "secret_key" }
  | { kind: "publishable_key" }
  | { kind: "token"; token: string }
  | { kind: "malformed" }
  | { kind: "none" };

export type KnownKeys = { publishableKeys: readonly string[]; secretKeys: readonly string[] };

/**
 * Reads `Authorization: Bearer`, `x-api-key` (Anthropic's SDKs), `x-goog-api-key` (Google's),
 * `api-key` (Azure's) and `apikey` (Supabase's), in this order.
 *
 * A publishable key says only which project is meant, so it yields to any other credential of the
 * same request. Among the others the first counts: a request that carries a user's token and, in
 * `apikey`, a secret key, is that user's.
 */
export function findCredential(headers: Headers, keys: KnownKeys): Credential {
  const authorization = headers.get("authorization");
  const bearer = authorization === null ? null : /^Bearer\s+(\S+)\s*$/i.exec(authorization);
  if (authorization !== null && bearer === null) return { kind: "malformed" };

  const presented = [
    bearer?.[1],
    headers.get("x-api-key"),
    headers.get("x-goog-api-key"),
    headers.get("api-key"),
    headers.get("apikey"),
  ].map((value) => value?.trim()).filter((value) => value !== undefined && value !== "");

  let found: Credential = { kind: "none" };
  for (const value of new Set(presented as string[])) {
    if (isOneOfSecrets(value, keys.publishableKeys)) {
      found = { kind: "publishable_key" };
      continue;
    }
    if (isOneOfSecrets(value, keys.secretKeys)) return { kind: "secret_key" };
    const looksLikeJwt = /^[\w-]+\.[\w-]+\.[\w-]*$/.test(value);
    return looksLikeJwt ? { kind: "token", token: value } : { kind: "malformed" };
  }
  return found;
}
