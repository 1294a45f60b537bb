/**
 * The charge arithmetic exists twice: SQL charges, `shared/pricing` estimates and explains. Here
 * both are given the same prices and counts, and must agree to the last decimal.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { affordableOutputTokens, ceilingOf } from "../../shared/pricing/ceiling.ts";
import { chargeFor, type Used } from "../../shared/pricing/charge.ts";
import { formatUsd } from "../../shared/pricing/money.ts";
import { parsePrice } from "../../shared/pricing/price.ts";
import { markups, type PriceRow, priceRows, usages } from "../pricing/arbitraries.ts";
import { NO_MEDIA } from "../../shared/pricing/usage.ts";
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

/** What was used, as a charge at a version has it. */
function chargeOf(version: bigint, { tokens, media = NO_MEDIA, webSearches = 0 }: Used) {
  const counts = Object.entries({ ...tokens, ...media }).map(([name, n]) => [`${name}_tokens`, n]);
  return JSON.stringify({
    price_version: `${version}`,
    web_searches: webSearches,
    ...Object.fromEntries(counts),
  });
}

Deno.test("SQL and shared/pricing charge the same, to the last decimal, for any price and usage", () =>
  withDatabase(async ({ sql }) => {
    const cases = fc.sample(fc.tuple(priceRows, usages, markups), CASES);
    const versions = await storePrices(sql, cases.map(([row]) => row));
    for (const [index, [row, used, markup]] of cases.entries()) {
      const [sqlSays] = await sql`
        with used as (
          select jsonb_populate_record(
            null::public.usage_records, ${chargeOf(versions[index]!, used)}::text::jsonb
          ) as used
        )
        select
          trim_scale(billing.cost_of_charge(used))::text as cost,
          trim_scale(billing.marked_up(billing.cost_of_charge(used), ${markup}))::text as charge,
          coalesce((
            select json_agg(json_build_array(l.class, l.amount, trim_scale(l.price)::text) order by l.ordinal)
            from billing.lines_of(used) l where l.class <> 'web_search'
          ), '[]') as lines
        from used`;
      const { cost, charge, lines } = chargeFor(parsePrice(row), used, markup);
      assertEquals(
        { ...sqlSays },
        {
          cost: formatUsd(cost),
          charge: formatUsd(charge),
          lines: lines.map((line) => [line.class, line.tokens, formatUsd(line.pricePer1k)]),
        },
        JSON.stringify({ row, used, markup }),
      );
    }
  }));

Deno.test("SQL and shared/pricing agree on the ceiling of all candidates and on what a balance affords", () =>
  withDatabase(async ({ sql }) => {
    const asked = fc.record({
      rows: fc.array(priceRows, { minLength: 1, maxLength: 3 }),
      inputTokensMax: fc.nat(800_000),
      output: fc.nat(100_000),
      withMedia: fc.boolean(),
      webSearchesMax: fc.oneof(fc.constant(0), fc.nat(20)),
      markupBasisPoints: markups,
      balance: fc.bigInt({ min: 0n, max: 1_000_000_000_000n }),
    });
    const cases = fc.sample(asked, CASES);
    const versions = await storePrices(sql, cases.flatMap(({ rows }) => rows));
    for (const { rows, output, balance, ...limits } of cases) {
      const [version, ...fallbackVersions] = versions.splice(0, rows.length);
      const hold = JSON.stringify({
        price_version: `${version}`,
        fallback_versions: fallbackVersions.length > 0 ? fallbackVersions.map(String) : null,
        input_tokens_max: limits.inputTokensMax,
        with_media: limits.withMedia,
        web_searches_max: limits.webSearchesMax,
        markup_basis_points: limits.markupBasisPoints,
      });
      const [sqlSays] = await sql`
        select
          trim_scale(billing.ceiling_of(h, ${output}))::text as ceiling,
          billing.affordable_output_tokens(h, ${formatUsd(balance)}::numeric) as affordable
        from jsonb_populate_record(null::billing.reservations, ${hold}::text::jsonb) h`;
      const [price, ...fallbackPrices] = rows.map(parsePrice);
      const bounds = { ...limits, price: price!, fallbackPrices };
      const tokens = affordableOutputTokens(bounds, balance) ?? 0;
      // SQL says null for output that costs nothing, and 0 for a prompt that is not affordable.
      const affordable = tokens === Number.MAX_SAFE_INTEGER
        ? null
        : Math.min(tokens, AFFORDABLE_MAX);
      assertEquals(
        { ...sqlSays },
        { ceiling: formatUsd(ceilingOf(bounds, output)), affordable },
        JSON.stringify({ rows, output, ...limits, balance: formatUsd(balance) }),
      );
    }
  }));

Deno.test("each of the 23 seeded prices is read as SQL has it, and charged the same", () =>
  withDatabase(async ({ sql }) => {
    const rows = await sql`
      select price_version::text as version, billing.price_as_json(price_version) as price
      from public.model_pricing`;
    assertEquals(rows.length, 23);
    const used: Used = {
      tokens: {
        input: 250001,
        cache_read: 1003,
        cache_write_5m: 107,
        cache_write_1h: 11,
        output: 13,
      },
      media: { ...NO_MEDIA, input_audio: 17, output_image: 3 },
      webSearches: 2,
    };
    for (const { version, price } of rows) {
      const [sqlSays] = await sql`
        select trim_scale(billing.cost_of_charge(
          jsonb_populate_record(null::public.usage_records, ${chargeOf(version, used)}::text::jsonb)
        ))::text as cost`;
      assertEquals(formatUsd(chargeFor(parsePrice(price), used, 0).cost), sqlSays?.["cost"]);
    }
  }));
