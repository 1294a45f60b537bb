/** The catalogue's prices as columns of ours, exactly, or the reason why they cannot be. Pure. */
import { byName, PRICE_AMOUNTS, type PriceAmount } from "../../shared/credit/prices.ts";
import type { Usd } from "../../shared/pricing/money.ts";
import type { ListPrice, ListPrices } from "./catalogue.ts";
import { eachFromPerThousand, per1kFromPerMillion } from "./decimal.ts";

/** A price in our columns; `null` where the catalogue says nothing. */
export interface ListedColumns {
  readonly amounts: Readonly<Record<PriceAmount, Usd | null>>;
  readonly thresholdTokens: number | null;
}

export type Conversion =
  | { readonly kind: "columns"; readonly columns: ListedColumns }
  | { readonly kind: "unusable"; readonly reason: string };

/** Where a price per million tokens goes. */
const TOKEN_COLUMNS: Readonly<Record<string, PriceAmount>> = {
  input_mtok: "input_per_1k",
  output_mtok: "output_per_1k",
  cache_read_mtok: "cache_read_per_1k",
  cache_write_mtok: "cache_write_5m_per_1k",
  cache_write_1h_mtok: "cache_write_1h_per_1k",
  input_audio_mtok: "input_audio_per_1k",
  input_image_mtok: "input_image_per_1k",
  cache_audio_read_mtok: "cache_read_audio_per_1k",
  output_audio_mtok: "output_audio_per_1k",
  output_image_mtok: "output_image_per_1k",
};

/** Where its price past the long-context threshold goes; media has one price in both tiers. */
const LONG_COLUMNS: Readonly<Record<string, PriceAmount>> = {
  input_mtok: "long_input_per_1k",
  output_mtok: "long_output_per_1k",
  cache_read_mtok: "long_cache_read_per_1k",
  cache_write_mtok: "long_cache_write_5m_per_1k",
  cache_write_1h_mtok: "long_cache_write_1h_per_1k",
};

/** Where a price per thousand pieces goes. */
const FEE_COLUMNS: Readonly<Record<string, PriceAmount>> = {
  web_searches_kcount: "web_search_fee",
  requests_kcount: "request_fee",
};

/** No column is needed where it costs what the tokens around it cost; else the bill would be wrong. */
const INSIDE: Readonly<Record<string, string>> = {
  cache_image_read_mtok: "cache_read_mtok",
  input_video_mtok: "input_mtok",
  output_video_mtok: "output_mtok",
  output_reasoning_mtok: "output_mtok",
};

/** Tools that the proxy refuses, so nobody is billed for them. */
const NEVER_BILLED = new Set(["storage_searches_kcount"]);

/** Converts one list of prices. Everything is taken over exactly, or nothing is. */
export function toColumns(prices: ListPrices): Conversion {
  const amounts: Record<PriceAmount, Usd | null> = byName(PRICE_AMOUNTS, () => null);
  const starts = new Set<number>();
  const faults: string[] = [];
  for (const [key, price] of Object.entries(prices)) {
    if (price === undefined || NEVER_BILLED.has(key)) continue;
    const fault = takeOver(key, price, prices, amounts, starts);
    if (fault !== null) faults.push(fault);
  }
  if (starts.size > 1) faults.push(`it has tiers from ${[...starts].join(" and ")} tokens on`);
  if (faults.length > 0) return { kind: "unusable", reason: faults.join("; ") };
  if (amounts.input_per_1k === null || amounts.output_per_1k === null) {
    return { kind: "unusable", reason: "it has no price for input and output tokens" };
  }
  const [thresholdTokens = null] = starts;
  return { kind: "columns", columns: { amounts, thresholdTokens } };
}

/** Writes one price to its columns; answers what stands in the way, or `null`. */
function takeOver(
  key: string,
  price: ListPrice,
  prices: ListPrices,
  amounts: Record<PriceAmount, Usd | null>,
  starts: Set<number>,
): string | null {
  const inside = INSIDE[key];
  if (inside !== undefined) {
    const isSame = JSON.stringify(price) === JSON.stringify(prices[inside]);
    return isSame ? null : `${key} costs other than ${inside}, and has no column`;
  }
  const column = TOKEN_COLUMNS[key] ?? FEE_COLUMNS[key];
  if (column === undefined) return `${key} has no column`;
  const exact = key in FEE_COLUMNS ? eachFromPerThousand : per1kFromPerMillion;
  const [base, tier, ...more] = typeof price === "number"
    ? [price]
    : [price.base, ...price.tiers.map((tier) => tier.price)];
  if (base === undefined || more.length > 0) return `${key} has more than two tiers`;
  amounts[column] = exact(base);
  if (amounts[column] === null) return `${key} of ${base} has too many decimals`;
  if (tier === undefined || typeof price === "number") return null;
  const long = LONG_COLUMNS[key];
  if (long === undefined) return `${key} has tiers, and one column`;
  amounts[long] = exact(tier);
  starts.add(price.tiers[0]?.start ?? 0);
  return amounts[long] === null ? `${key} of ${tier} has too many decimals` : null;
}

/**
 * The dearest of prices that hold at different hours of one day, column by column: a request that is
 * held before the hour and served after it is then never sold below cost.
 */
export function dearest(lists: readonly ListPrices[]): Conversion {
  const all: ListedColumns[] = [];
  for (const prices of lists) {
    const converted = toColumns(prices);
    if (converted.kind === "unusable") return converted;
    all.push(converted.columns);
  }
  const [first] = all;
  if (first === undefined) return { kind: "unusable", reason: "no price of it is in force yet" };
  const shape = ({ amounts, thresholdTokens }: ListedColumns) =>
    [thresholdTokens, ...PRICE_AMOUNTS.filter((name) => amounts[name] !== null)].join();
  if (all.some((columns) => shape(columns) !== shape(first))) {
    return { kind: "unusable", reason: "its prices by the time of day are of different classes" };
  }
  const amounts = byName(
    PRICE_AMOUNTS,
    (name) =>
      all.map((columns) => columns.amounts[name]).reduce((a, b) =>
        a === null || b === null ? null : a > b ? a : b
      ),
  );
  return { kind: "columns", columns: { amounts, thresholdTokens: first.thresholdTokens } };
}
