/** Access tokens for tests: what Supabase Auth would issue, signed with keys of the test's own. */

export type Claims = Record<string, unknown>;

/** A user's token is valid for an hour unless the claims say otherwise. */
export function claimsOf(userId: string, extra: Claims = {}): Claims {
  const nowSeconds = Math.floor(Date.now() / 1000);
  return {
    sub: userId,
    role: "authenticated",
    aud: "authenticated",
    iat: nowSeconds,
    exp: nowSeconds + 3600,
    ...extra,
  };
}

/** A token in the form of HS256. The signature is no real one: the fake Auth server decides. */
export function hs256(claims: Claims, header: Claims = { alg: "HS256", typ: "JWT" }): string {
  return `${part(header)}.${part(claims)}.${base64Url(new Uint8Array(32))}`;
}

/** A key pair of a project with asymmetric signing keys. */
export async function es256Keys(kid: string) {
  const pair = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return {
    jwks: { keys: [{ ...jwk, kid, alg: "ES256", use: "sig" } as JsonWebKey] },
    async sign(claims: Claims): Promise<string> {
      const signed = `${part({ alg: "ES256", typ: "JWT", kid })}.${part(claims)}`;
      const signature = await crypto.subtle.sign(
        { name: "ECDSA", hash: "SHA-256" },
        pair.privateKey,
        new TextEncoder().encode(signed),
      );
      return `${signed}.${base64Url(new Uint8Array(signature))}`;
    },
  };
}

function part(value: Claims): string {
  return base64Url(new TextEncoder().encode(JSON.stringify(value)));
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
