/** What a test asks of the ledger after a chat, and what a chat should have cost by hand. */
import { assertEquals } from "@std/assert";
import type { Sql } from "./connect.ts";
import type { TestStack, TestUser } from "./stack.ts";
import { until } from "./until.ts";

/** A row of `usage_records`; amounts as text. */
export interface Charge {
  readonly request_id: string;
  readonly user_id: string;
  readonly provider_id: string;
  readonly model_id: string;
  readonly input_tokens: number;
  readonly cache_read_tokens: number;
  readonly output_tokens: number;
  readonly cost: string;
  readonly collected: string;
  readonly uncollected: string;
  readonly basis: "reported" | "estimated" | "checkpoint";
  readonly finish: string | null;
}

/** A decimal as a count of 1e-10, by its digits alone: not the code that is being tested. */
export function exact(decimal: string): bigint {
  const [whole = "", fraction = ""] = decimal.replace("-", "").split(".");
  if (fraction.length > 10) throw new Error(`More than ten decimals: ${decimal}`);
  const count = BigInt(whole + fraction.padEnd(10, "0"));
  return decimal.startsWith("-") ? -count : count;
}

/** Tokens × price by the table of prices, as a count of 1e-10 USD. */
export async function costByHand(sql: Sql, charge: Charge): Promise<bigint> {
  const [price] = await sql`
    select input_per_1k::text as input, output_per_1k::text as output,
      coalesce(cache_read_per_1k, input_per_1k)::text as cache_read
    from public.model_pricing
    where provider_id = ${charge.provider_id} and model_id = ${charge.model_id}`;
  const part = (tokens: number, name: string) => BigInt(tokens) * exact(price?.[name]);
  const thousandfold = part(charge.input_tokens, "input") +
    part(charge.cache_read_tokens, "cache_read") + part(charge.output_tokens, "output");
  assertEquals(thousandfold % 1000n, 0n, "a price has more than seven decimals");
  return thousandfold / 1000n;
}

/** The rows of a request, the charge first. */
export async function chargesOf(sql: Sql, requestId: string): Promise<Charge[]> {
  // A plain array: what the driver returns has more to it, and equals none.
  return Array.from(
    await sql<Charge[]>`
    select request_id, user_id, provider_id, model_id, input_tokens, cache_read_tokens,
      output_tokens, cost::text, collected::text, uncollected::text, basis, finish
    from public.usage_records where request_id = ${requestId} order by sequence`,
  );
}

/** The one charge of a request, waited for. */
export async function chargeOf(sql: Sql, requestId: string, timeoutMs?: number): Promise<Charge> {
  const rows = await until(`the charge of request ${requestId}`, async () => {
    const found = await chargesOf(sql, requestId);
    return found.length > 0 && found;
  }, timeoutMs);
  assertEquals(rows.length, 1);
  return rows[0]!;
}

/** How a reservation stands, once it stands so. */
export async function untilReservation(
  sql: Sql,
  requestId: string,
  state: "open" | "settled" | "released" | "expired",
): Promise<void> {
  await until(`reservation ${requestId} to be ${state}`, async () => {
    const [row] = await sql`
      select state from billing.reservations where request_id = ${requestId}`;
    return row?.["state"] === state;
  });
}

/** Balance and reserved of the user, as counts of 1e-10 USD. */
export async function accountOf(
  sql: Sql,
  user: Pick<TestUser, "id">,
): Promise<{ balance: bigint; reserved: bigint }> {
  const [row] = await sql`
    select balance::text, reserved::text from public.user_balances where user_id = ${user.id}`;
  return { balance: exact(row?.["balance"]), reserved: exact(row?.["reserved"]) };
}

/** Sets the balance by an adjustment of the difference, as an operator does. */
export async function setBalance(stack: TestStack, user: TestUser, to: string): Promise<void> {
  const [row] = await stack.sql`
    select trim_scale(${to}::numeric - balance)::text as amount
    from public.user_balances where user_id = ${user.id}`;
  await stack.sql`
    select public.grant_credit(
      ${user.id}, ${row?.["amount"]}, 'adjustment', ${crypto.randomUUID()}, 'For a test'
    )`;
}

/** Nothing is held, by anybody, and the whole ledger adds up. */
export async function assertAllSettled(sql: Sql): Promise<void> {
  const open = await sql`select request_id from billing.reservations where state = 'open'`;
  assertEquals(open.length, 0, "reservations are still open");
  const [row] = await sql`select public.reconcile() -> 'violations' as violations`;
  assertEquals(row?.["violations"], []);
}

/** The user's own view: `GET balance<path>`. */
export async function ask<T = Record<string, unknown>>(
  stack: Pick<TestStack, "functionsUrl">,
  user: Pick<TestUser, "token">,
  path = "",
): Promise<T> {
  const response = await fetch(`${stack.functionsUrl}/balance${path}`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  assertEquals(response.status, 200);
  return await response.json();
}

export interface Receipt {
  readonly lines: readonly { class: string; tokens: number; price_per_1k: string; cost: string }[];
  readonly request_fee: string;
  readonly cost: string;
  readonly collected: string;
  readonly uncollected: string;
  readonly balance_before: string;
  readonly balance_after: string;
  readonly basis: string;
}

/** The receipt of a request, after checking that its lines add up to its cost. */
export async function receiptOf(
  stack: Pick<TestStack, "functionsUrl">,
  user: Pick<TestUser, "token">,
  requestId: string,
): Promise<Receipt> {
  const receipt = await ask<Receipt>(stack, user, `/receipts/${requestId}`);
  const sum = receipt.lines.reduce((total, line) => total + exact(line.cost), 0n);
  assertEquals(sum + exact(receipt.request_fee), exact(receipt.cost), "the lines make the cost");
  assertEquals(
    exact(receipt.balance_before) - exact(receipt.collected),
    exact(receipt.balance_after),
    "before less what was collected is after",
  );
  return receipt;
}
