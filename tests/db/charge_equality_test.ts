/**
 * The charge arithmetic exists twice: SQL charges, `shared/pricing` estimates and explains. Here
 * both are given the same prices and counts, and must agree to the last decimal.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { affordableOutputTokens, ceilingOf } from "../../shared/pricing/ceiling.ts";
import { chargeFor } from "../../shared/pricing/charge.ts";
import { formatUsd } from "../../shared/pricing/money.ts";
import { parsePrice } from "../../shared/pricing/price.ts";
import { markups, type PriceRow, priceRows, tokenCounts } from "../pricing/arbitraries.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";

const CASES = 500;
/** The most output tokens that SQL lets a balance afford. */
const AFFORDABLE_MAX = 100_000_000;

/** Stores prices as versions of one model; returns the version of each. */
async function storePrices(sql: TestDatabase["sql"], rows: readonly PriceRow[]): Promise<bigint[]> {
  const versions: bigint[] = [];
  for (const [index, row] of rows.entries()) {
    const { price_version: _, ...columns } = row;
    const values = {
      ...columns,
      model_id: `equality-${index}`,
      display_name: "equality",
      source: "test",
    };
    const [stored] = await sql`
      insert into public.model_pricing ${sql(values)} returning price_version::text as version`;
    versions.push(BigInt(stored?.version));
  }
  return versions;
}

Deno.test("SQL and shared/pricing charge the same, to the last decimal, for any price and usage", () =>
  withDatabase(async ({ sql }) => {
    const cases = fc.sample(fc.tuple(priceRows, tokenCounts, markups), CASES);
    const versions = await storePrices(sql, cases.map(([row]) => row));
    for (const [index, [row, tokens, markup]] of cases.entries()) {
      const version = `${versions[index]}`;
      const [sqlSays] = await sql`
        with cost as (
          select billing.cost_of(
            ${version}::bigint, ${tokens.input}, ${tokens.cache_read}, ${tokens.cache_write_5m},
            ${tokens.cache_write_1h}, ${tokens.output}
          ) as cost
        )
        select
          trim_scale(cost)::text as cost,
          trim_scale(billing.marked_up(cost, ${markup}))::text as charge
        from cost`;
      const { cost, charge } = chargeFor(parsePrice(row), tokens, markup);
      assertEquals(
        { ...sqlSays },
        { cost: formatUsd(cost), charge: formatUsd(charge) },
        JSON.stringify({ row, tokens, markup }),
      );
    }
  }));

Deno.test("SQL and shared/pricing agree on the ceiling and on what a balance affords", () =>
  withDatabase(async ({ sql }) => {
    const inputs = fc.nat(800_000);
    const outputs = fc.nat(100_000);
    const balances = fc.bigInt({ min: 0n, max: 1_000_000_000_000n });
    const cases = fc.sample(fc.tuple(priceRows, inputs, outputs, markups, balances), CASES);
    const versions = await storePrices(sql, cases.map(([row]) => row));
    for (const [index, [row, inputTokensMax, output, markup, balance]] of cases.entries()) {
      const version = `${versions[index]}`;
      const [sqlSays] = await sql`
        select
          trim_scale(
            billing.ceiling_of(${version}::bigint, ${inputTokensMax}, ${output}, ${markup})
          )::text as ceiling,
          billing.affordable_output_tokens(
            ${version}::bigint, ${inputTokensMax}, ${markup}, ${formatUsd(balance)}::numeric
          ) as affordable`;
      const bounds = { price: parsePrice(row), inputTokensMax, markupBasisPoints: markup };
      const tokens = affordableOutputTokens(bounds, balance) ?? 0;
      // SQL says null for output that costs nothing, and 0 for a prompt that is not affordable.
      const affordable = tokens === Number.MAX_SAFE_INTEGER
        ? null
        : Math.min(tokens, AFFORDABLE_MAX);
      assertEquals(
        { ...sqlSays },
        { ceiling: formatUsd(ceilingOf(bounds, output)), affordable },
        JSON.stringify({ row, inputTokensMax, output, markup, balance: formatUsd(balance) }),
      );
    }
  }));

Deno.test("each of the 23 seeded prices is read as SQL has it, and charged the same", () =>
  withDatabase(async ({ sql }) => {
    const rows = await sql`
      select price_version::text as version, billing.price_as_json(price_version) as price,
        trim_scale(billing.cost_of(price_version, 250001, 1003, 107, 11, 13))::text as cost
      from public.model_pricing`;
    assertEquals(rows.length, 23);
    const tokens = {
      input: 250001,
      cache_read: 1003,
      cache_write_5m: 107,
      cache_write_1h: 11,
      output: 13,
    };
    for (const row of rows) {
      assertEquals(formatUsd(chargeFor(parsePrice(row.price), tokens, 0).cost), row.cost);
    }
  }));
