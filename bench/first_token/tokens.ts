/** Access tokens as a project with asymmetric keys signs them: verified by the function itself. */

export interface Signer {
  /** For `SUPABASE_JWKS`. */
  readonly jwks: { keys: JsonWebKey[] };
  sign(userId: string): Promise<string>;
}

export async function createSigner(): Promise<Signer> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]);
  const kid = crypto.randomUUID();
  const jwk = { ...await crypto.subtle.exportKey("jwk", publicKey), kid, alg: "ES256", use: "sig" };
  const encode = (value: unknown) => base64Url(new TextEncoder().encode(JSON.stringify(value)));
  const head = encode({ alg: "ES256", typ: "JWT", kid });
  return {
    jwks: { keys: [jwk] },
    async sign(userId) {
      const seconds = Math.floor(Date.now() / 1000);
      const claims = { sub: userId, role: "authenticated", iat: seconds, exp: seconds + 3600 };
      const signed = `${head}.${encode(claims)}`;
      const signature = await crypto.subtle.sign(
        { name: "ECDSA", hash: "SHA-256" },
        privateKey,
        new TextEncoder().encode(signed),
      );
      return `${signed}.${base64Url(new Uint8Array(signature))}`;
    },
  };
}

function base64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
