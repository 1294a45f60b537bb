/** The keys of one local stack: made once, kept in its data folder, readable by its owner only. */
import { generateApiKey } from "@supabase/lite";

export interface StackSecrets {
  readonly publishableKey: string;
  readonly secretKey: string;
  /** Signs access tokens (HS256). */
  readonly jwtSecret: string;
  /** Signs Auth hooks, `v1,whsec_<base64>`. */
  readonly hookSecret: string;
}

/** Reads the file, or makes it. */
export async function keepSecrets(file: string): Promise<StackSecrets> {
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const secrets: StackSecrets = {
    publishableKey: (await generateApiKey("publishable")).key,
    secretKey: (await generateApiKey("secret")).key,
    jwtSecret: randomBytes(32).toHex(),
    hookSecret: `v1,whsec_${randomBytes(32).toBase64()}`,
  };
  await Deno.writeTextFile(file, JSON.stringify(secrets, null, 2), {
    mode: 0o600,
    createNew: true,
  });
  return secrets;
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
