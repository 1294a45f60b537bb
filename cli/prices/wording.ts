/** Prices and changes in words and numbers, for tables and for JSON. */
import type { PriceAmount } from "../../shared/credit/prices.ts";
import { formatUsd, type Usd } from "../../shared/pricing/money.ts";
import { factorText } from "./decimal.ts";
import { type Change, THRESHOLD } from "./diff.ts";
import type { Hold } from "./plan.ts";
import type { Disagreement } from "./second_source.ts";

/** What token prices are told per. Fees are told each, whatever it is. */
export type Unit = "million" | "1k";

/** `long_cache_read_per_1k` → `cache read, long`. */
export function columnLabel(column: Change["column"]): string {
  if (column === THRESHOLD) return "long from (tokens)";
  const words = column.replace(/_per_1k$/, "").replaceAll("_", " ");
  if (words.endsWith(" fee")) return `${words.slice(0, -4)} (each)`;
  return words.startsWith("long ") ? `${words.slice(5)}, long` : words;
}

/** A column's value in `unit`. */
export function valueText(column: Change["column"], value: bigint, unit: Unit): string {
  if (column === THRESHOLD) return value.toString();
  return amountText(column, value, unit);
}

/** An amount of USD per 1,000 tokens in `unit`; a fee as it is. */
export function amountText(column: PriceAmount, value: Usd, unit: Unit): string {
  const isPerToken = column.endsWith("_per_1k");
  return formatUsd(isPerToken && unit === "million" ? value * 1000n : value);
}

/** `web search 0.01 each · over 200000 tokens: input 2.5, output 15`: everything that is not null. */
export function pricePhrases(
  prices: readonly (readonly [column: Change["column"], value: bigint | null])[],
  unit: Unit,
): string {
  const known = prices.flatMap(([column, value]) =>
    value === null ? [] : [[column, value] as const]
  );
  const isLong = (column: string) => column.startsWith("long_");
  const phrases = known.filter(([column]) => !isLong(column))
    .map(([column, value]) => pricePhrase(column, value, unit));
  const threshold = known.find(([column]) => column === THRESHOLD)?.[1];
  if (threshold !== undefined) {
    const tier = known.filter(([column]) => isLong(column) && column !== THRESHOLD)
      .map(([column, value]) => pricePhrase(column, value, unit).replace(", long", ""));
    phrases.push(`over ${threshold} tokens: ${tier.join(", ")}`);
  }
  return phrases.join(" · ");
}

/** `input audio 1`, `web search 0.01 each`. */
function pricePhrase(column: Change["column"], value: bigint, unit: Unit): string {
  const [, fee] = /^(.*) \(each\)$/.exec(columnLabel(column)) ?? [];
  const text = valueText(column, value, unit);
  return fee === undefined ? `${columnLabel(column)} ${text}` : `${fee} ${text} each`;
}

/** `×1.25`, or `new` where there was no price of its own. */
export function changeFactor({ from, to }: Change): string {
  return from === null ? "new" : factorText(from, to);
}

/** Why a change waits, a sentence without its end. */
export function holdText(hold: Hold, unit: Unit): string {
  switch (hold.kind) {
    case "operator":
      return "you set this price yourself";
    case "zero":
      return `${columnLabel(hold.change.column)} would be free`;
    case "factor":
      return `${columnLabel(hold.change.column)} changes by more than 3× (${
        changeFactor(hold.change)
      })`;
    case "second_source":
      return `the second source says ${disagreementText(hold.disagreement, unit)}`;
  }
}

/** `output 10, not 12`: theirs first. */
export function disagreementText(disagreement: Disagreement, unit: Unit): string {
  const { column, catalogue, other } = disagreement;
  const theirs = unit === "million" ? perMillion(other) : other;
  return `${columnLabel(column)} ${theirs}, not ${amountText(column, catalogue, unit)}`;
}

/** Moves the point of a decimal text three places to the right. */
function perMillion(text: string): string {
  const [whole = "0", decimals = ""] = text.split(".");
  const padded = decimals.padEnd(3, "0");
  const left = (whole + padded.slice(0, 3)).replace(/^0+(?=\d)/, "");
  const right = padded.slice(3).replace(/0+$/, "");
  return right === "" ? left : `${left}.${right}`;
}
