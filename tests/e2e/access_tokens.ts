/** Access tokens as the stack's Auth signs them, and as it never would. */

export type Claims = Record<string, unknown>;

/** What a token says, unchecked. */
export function readClaims(token: string): Claims {
  const bytes = Uint8Array.fromBase64(token.split(".")[1] ?? "", { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** One part of a token: JSON in base64url. */
export function encodePart(value: Claims): string {
  return base64Url(new TextEncoder().encode(JSON.stringify(value)));
}

/** A token with an HMAC-SHA-256 signature, whatever its header says. */
export async function signToken(
  secret: string,
  claims: Claims,
  header: Claims = {},
): Promise<string> {
  const signed = `${encodePart({ alg: "HS256", typ: "JWT", ...header })}.${encodePart(claims)}`;
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(signed));
  return `${signed}.${base64Url(new Uint8Array(signature))}`;
}

function base64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
