/**
 * What the tests of SDKs share: a stack where every provider has a model with a price, orders for the
 * demo provider, and what a customer was charged, counted once more by hand.
 */
import { assertEquals } from "@std/assert";
import type { DemoScript } from "../../local/demo_provider/script.ts";
import { TOKEN_CLASSES, type Tokens } from "../../shared/pricing/usage.ts";
import { accountOf, exact } from "../support/charges.ts";
import { startTestStack, type TestStack, type TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";

/** Models of providers that a new project has no prices for, at prices that no two share. */
const MORE_PRICES = [
  ["azure", "gpt-4o", "0.0026", "0.0101", "0.00131"],
  ["cerebras", "llama-3.3-70b-versatile", "0.00085", "0.0012", null],
  ["dashscope", "llama-3.3-70b-versatile", "0.00041", "0.00121", "0.0000411"],
  ["fireworks", "llama-3.3-70b-versatile", "0.00091", "0.00092", "0.00045"],
  ["moonshot", "llama-3.3-70b-versatile", "0.00061", "0.00251", "0.00015"],
  ["openrouter", "openai/gpt-4o-mini", "0.00016", "0.00061", "0.000076"],
  ["perplexity", "llama-3.3-70b-versatile", "0.00101", "0.00102", null],
  ["together", "llama-3.3-70b-versatile", "0.00088", "0.00089", null],
] as const;

/** Starts the stack; a few seconds. The caller must `stop()` it. */
export async function startSdkStack(
  env: Readonly<Record<string, string>> = {},
): Promise<TestStack> {
  const stack = await startTestStack({ env });
  // Before the first request: the functions read the list of prices then.
  for (const [provider, model, input, output, cacheRead] of MORE_PRICES) {
    await stack.sql`
      insert into public.model_pricing (
        provider_id, model_id, display_name, input_per_1k, output_per_1k, cache_read_per_1k,
        max_input_tokens, max_output_tokens, source
      ) values (
        ${provider}, ${model}, ${model}, ${input}, ${output}, ${cacheRead}, 128000, 16384, 'test'
      )`;
  }
  return stack;
}

/** A question with an order for the demo provider. */
export function ordered(script: DemoScript, question = "Hello"): string {
  return `${question} [[demo: ${JSON.stringify(script)}]]`;
}

/** Offered to models as `get_weather`; the demo provider calls it when asked for the weather. */
export const WEATHER_SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" } },
  required: ["city"],
} satisfies Record<string, unknown>;

/** Where the demo provider asks for the weather of. */
export const CITY = "Zürich";

/** What a charge should be; classes that are left out have no tokens. */
export interface Expected extends Partial<Tokens> {
  /** `provider:model` */
  readonly model: string;
  readonly basis?: "reported" | "estimated";
  readonly finish?: string;
}

/** A row of `usage_records` that a test may look at more closely. */
export interface ChargeRow {
  readonly requestId: string;
  readonly model: string;
  readonly basis: string;
  readonly finish: string | null;
  readonly tokens: Tokens;
  readonly cost: bigint;
}

/** All charges of a user who was charged so often, oldest first. Waits for them. */
export async function chargesOfUser(
  stack: TestStack,
  user: TestUser,
  count: number,
): Promise<ChargeRow[]> {
  const rows = await until(`${count} charges of a user`, async () => {
    const found = await stack.sql`
      select request_id, provider_id || ':' || model_id as model, basis, finish, cost::text as cost,
        input_tokens as input, cache_read_tokens as cache_read, output_tokens as output,
        cache_write_5m_tokens as cache_write_5m, cache_write_1h_tokens as cache_write_1h
      from public.usage_records where user_id = ${user.id} order by created_at`;
    return found.length >= count && found;
  });
  return Array.from(rows, (row) => ({
    requestId: row["request_id"],
    model: row["model"],
    basis: row["basis"],
    finish: row["finish"],
    tokens: tokensOf((name) => row[name]),
    cost: exact(row["cost"]),
  }));
}

/**
 * The user, who began with the welcome of 10 USD, was charged exactly so: tokens by class, model,
 * basis, the cost by the list of prices, and the balance less by that.
 */
export async function assertCharged(
  stack: TestStack,
  user: TestUser,
  expected: readonly Expected[],
): Promise<ChargeRow[]> {
  const rows = await chargesOfUser(stack, user, expected.length);
  assertEquals(
    rows.map(({ model, basis, tokens, finish }, i) =>
      expected[i]?.finish === undefined
        ? { model, basis, tokens }
        : { model, basis, tokens, finish }
    ),
    expected.map(({ model, basis = "reported", finish, ...tokens }) => ({
      model,
      basis,
      tokens: tokensOf((name) => tokens[name]),
      ...(finish === undefined ? {} : { finish }),
    })),
  );
  await assertPaid(stack, user, rows);
  return rows;
}

/** Every cost is what the list of prices makes of the tokens; the balance has fallen by their sum. */
export async function assertPaid(
  stack: TestStack,
  user: TestUser,
  rows: readonly ChargeRow[],
): Promise<void> {
  for (const { model, tokens, cost } of rows) {
    assertEquals(cost, await costByHand(stack, model, tokens), `the cost of ${model}`);
  }
  await until("nothing to be held", async () => (await accountOf(stack.sql, user)).reserved === 0n);
  const spent = rows.reduce((sum, { cost }) => sum + cost, 0n);
  assertEquals((await accountOf(stack.sql, user)).balance, exact("10") - spent, "the balance");
}

/** Tokens × price, as a count of 1e-10 USD; not by the code that is being tested. */
async function costByHand(stack: TestStack, model: string, tokens: Tokens): Promise<bigint> {
  const [provider, ...name] = model.split(":");
  const [price] = await stack.sql`
    select input_per_1k::text as input, output_per_1k::text as output,
      coalesce(cache_read_per_1k, input_per_1k)::text as cache_read,
      coalesce(cache_write_5m_per_1k, input_per_1k)::text as cache_write_5m,
      coalesce(cache_write_1h_per_1k, cache_write_5m_per_1k, input_per_1k)::text as cache_write_1h
    from public.model_pricing
    where provider_id = ${provider!} and model_id = ${name.join(":")}`;
  const thousandfold = TOKEN_CLASSES.reduce(
    (sum, name) => sum + BigInt(tokens[name]) * exact(price?.[name]),
    0n,
  );
  assertEquals(thousandfold % 1000n, 0n, "a price has more than seven decimals");
  return thousandfold / 1000n;
}

function tokensOf(count: (name: (typeof TOKEN_CLASSES)[number]) => number | undefined): Tokens {
  return Object.fromEntries(
    TOKEN_CLASSES.map((name) => [name, count(name) ?? 0]),
  ) as unknown as Tokens;
}

/** A failed or refused request leaves nothing behind: no charge, no hold, the balance whole. */
export async function assertFree(stack: TestStack, user: TestUser): Promise<void> {
  const charges = await stack.sql`
    select request_id from public.usage_records where user_id = ${user.id}`;
  assertEquals(charges.length, 0, "nothing is charged");
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10"), reserved: 0n });
}
