/** The environment of the functions: what Supabase injects, and where each provider is. */
import { parseEnv } from "node:util";
import { PROVIDERS } from "../shared/llm/providers.ts";
import type { StackSecrets } from "./stack_secrets.ts";

/** The demo provider refuses requests without a key, as the real ones do; any key will do. */
const DEMO_KEY = "sk-demo-farebox";

/** Variables of the file, empty when there is none. */
export async function readEnvFile(file: string): Promise<Record<string, string>> {
  try {
    const parsed = parseEnv(await Deno.readTextFile(file));
    return Object.fromEntries(
      Object.entries(parsed).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** What hosted Supabase and `supabase functions serve` set. */
export function injectedEnvironment(url: string, secrets: StackSecrets): Record<string, string> {
  return {
    SUPABASE_URL: url,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: secrets.publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: secrets.secretKey }),
    // Tokens are signed with a shared secret here, so there is no public key to verify them with.
    SUPABASE_JWKS: JSON.stringify({ keys: [] }),
    SB_REGION: "local",
    SB_EXECUTION_ID: crypto.randomUUID(),
    BEFORE_USER_CREATED_HOOK_SECRET: secrets.hookSecret,
  };
}

/**
 * Sends each provider that has neither a key nor an address to the demo provider. Those of a
 * provider are `<NAME>_API_KEY` and `<NAME>_BASE_URL`.
 * @returns the variables to set, and the names of the providers that are real.
 */
export function providerEnvironment(
  environment: Readonly<Record<string, string>>,
  demoUrl: string,
): { readonly variables: Record<string, string>; readonly real: string[] } {
  const variables: Record<string, string> = {};
  const real: string[] = [];
  for (const { id, baseUrl } of PROVIDERS.values()) {
    const name = id.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    const key = environment[`${name}_API_KEY`];
    const address = environment[`${name}_BASE_URL`];
    if (key || address) {
      real.push(id);
      // A server of one's own often wants no key, but a provider counts as enabled by having one.
      if (!key) variables[`${name}_API_KEY`] = "none";
      continue;
    }
    variables[`${name}_API_KEY`] = DEMO_KEY;
    // Its own path below the provider's name, such as /openai/v1.
    const path = baseUrl === null ? "" : new URL(baseUrl).pathname.replace(/\/$/, "");
    variables[`${name}_BASE_URL`] = `${demoUrl}/${id}${path}`;
  }
  return { variables, real };
}
