/**
 * The token that a guest carries: `v1.<id>.<issued>.<signature>`, where `id` is random, `issued` is
 * in seconds since 1970 and the signature is an HMAC-SHA-256 over what stands before it. Only we can
 * mint one, so a guest cannot invent a fresh holder for each request.
 */

/** A guest token that is ours and not too old. */
export type GuestToken = { id: string; token: string };

/** Longer than any window of free exchanges, so that an expired token was worthless anyway. */
const AGE_SECONDS_MAX = 30 * 24 * 3600;
/** Clocks of two isolates may differ by this much. */
const CLOCK_SKEW_SECONDS_MAX = 300;

const FORM = /^v1\.([A-Za-z0-9_-]{22})\.(\d{10,11})\.([A-Za-z0-9_-]{43})$/;

/** Mints a token for a guest who came without one. `nowMs` is in milliseconds since 1970. */
export async function newGuestToken(secret: string, nowMs: number): Promise<GuestToken> {
  const id = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  const signed = `v1.${id}.${Math.floor(nowMs / 1000)}`;
  const key = await hmacKey(secret, "sign");
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(signed));
  return { id, token: `${signed}.${toBase64Url(new Uint8Array(signature))}` };
}

/**
 * Reads a token that a guest sent.
 *
 * @returns undefined when it is forged, damaged or too old. Treat the guest as one without a token:
 * the address hash still holds them.
 */
export async function readGuestToken(
  token: string,
  secret: string,
  nowMs: number,
): Promise<GuestToken | undefined> {
  const parts = FORM.exec(token);
  if (parts === null) return undefined;
  const [, id, issued, signature] = parts;
  const ageSeconds = Math.floor(nowMs / 1000) - Number(issued);
  if (ageSeconds > AGE_SECONDS_MAX || ageSeconds < -CLOCK_SKEW_SECONDS_MAX) return undefined;
  const ours = await crypto.subtle.verify(
    "HMAC",
    await hmacKey(secret, "verify"),
    fromBase64Url(signature!),
    new TextEncoder().encode(`v1.${id}.${issued}`),
  );
  return ours ? { id: id!, token } : undefined;
}

function hmacKey(secret: string, usage: "sign" | "verify"): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    [usage],
  );
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
