/**
 * Whether two secrets are the same, in a time that does not depend on how much of them agrees:
 * both are hashed first, then all bytes of the hashes are compared.
 */
export async function sameSecret(given: string, known: string): Promise<boolean> {
  const [a, b] = await Promise.all([sha256(given), sha256(known)]);
  return sameBytes(a, b);
}

/** Whether a secret is one of several. Every one is compared, whichever matches. */
export async function isOneOfSecrets(given: string, known: readonly string[]): Promise<boolean> {
  const matches = await Promise.all(known.map((secret) => sameSecret(given, secret)));
  return matches.includes(true);
}

/** The SHA-256 hash of a text in UTF-8, as 64 hexadecimal digits. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(await sha256(text));
}

/** The bytes as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
}
