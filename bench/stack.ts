/** A whole Farebox for the benchmark, and the environment of a chat-proxy that stands before it. */
import { createLedger } from "../shared/credit/ledger.ts";
import { startTestStack, type TestStack, type TestUser } from "../tests/support/stack.ts";

export interface BenchStack {
  readonly stack: TestStack;
  /** Somebody with more than any part of the benchmark can spend. */
  readonly user: TestUser;
}

export async function startBenchStack(): Promise<BenchStack> {
  const stack = await startTestStack();
  const user = await stack.signUp();
  await grant(stack, user.id);
  return { stack, user };
}

/** Gives a user of the stack 1,000 USD. */
async function grant(stack: TestStack, userId: string): Promise<void> {
  const { url, secretKey } = stack.details;
  const granted = await createLedger({ url, secretKey }).grantCredit({
    userId,
    amount: "1000",
    kind: "grant",
    key: `bench:${userId}`,
    note: null,
  });
  if ("code" in granted) throw new Error(`Cannot grant: ${granted.message}`);
}

/**
 * Variables of a chat-proxy whose provider is the benchmark's upstream. Without keys in `jwks` a token
 * is asked about at the project.
 */
export function chatProxyEnvironment(
  { url, publishableKey, secretKey }: { url: string; publishableKey: string; secretKey: string },
  upstreamUrl: string,
  jwks: { keys: JsonWebKey[] } = { keys: [] },
): Record<string, string> {
  return {
    SUPABASE_URL: url,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }),
    SUPABASE_JWKS: JSON.stringify(jwks),
    OPENAI_API_KEY: "sk-bench",
    OPENAI_BASE_URL: `${upstreamUrl}/v1`,
  };
}
