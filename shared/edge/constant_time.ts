/**
 * Whether two secrets are the same, in a time that depends on the length of the given one alone: not
 * on how much of them agrees, nor on how long the known one is. Every byte is compared.
 */
export function sameSecret(given: string, known: string): boolean {
  const a = encoder.encode(given);
  const b = encoder.encode(known);
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i % b.length] ?? 0);
  return difference === 0;
}

/** Whether a secret is one of several. Every one is compared, whichever matches. */
export function isOneOfSecrets(given: string, known: readonly string[]): boolean {
  return known.map((secret) => sameSecret(given, secret)).includes(true);
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
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
}

const encoder = new TextEncoder();
