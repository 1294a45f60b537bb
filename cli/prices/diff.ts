/** What is different between two prices of a model, column by column. Pure. */
import { byName, PRICE_AMOUNTS, type PriceAmount } from "../../shared/credit/prices.ts";
import type { ListedColumns } from "./convert.ts";
import { isOverThreefold } from "./decimal.ts";

export const THRESHOLD = "long_context_threshold_tokens";

/** Amounts in 1e-10 USD; the threshold in tokens. */
export interface Change {
  readonly column: PriceAmount | typeof THRESHOLD;
  /** `null`: there was no price of its own. */
  readonly from: bigint | null;
  readonly to: bigint;
}

/** A column of ours that the catalogue says nothing of. It stays as it is. */
export interface Kept {
  readonly column: PriceAmount | typeof THRESHOLD;
  readonly value: bigint;
}

export interface Difference {
  readonly changes: readonly Change[];
  readonly kept: readonly Kept[];
}

const NOTHING: ListedColumns = {
  amounts: byName(PRICE_AMOUNTS, () => null),
  thresholdTokens: null,
};

/** From ours (`null`: a new model) to the catalogue's. */
export function difference(ours: ListedColumns | null, theirs: ListedColumns): Difference {
  const before = ours ?? NOTHING;
  const changes: Change[] = [];
  const kept: Kept[] = [];
  const compare = (column: Change["column"], from: bigint | null, to: bigint | null) => {
    if (to !== null && from !== to) changes.push({ column, from, to });
    // No request fee is what a fee of zero says.
    if (to === null && from !== null && !(column === "request_fee" && from === 0n)) {
      kept.push({ column, value: from });
    }
  };
  const tokens = (count: number | null) => count === null ? null : BigInt(count);
  for (const column of PRICE_AMOUNTS) {
    if (column === "long_input_per_1k") {
      compare(THRESHOLD, tokens(before.thresholdTokens), tokens(theirs.thresholdTokens));
    }
    compare(column, before.amounts[column], theirs.amounts[column]);
  }
  return { changes, kept };
}

/** Why a change is not made without somebody's word. */
export type Doubt =
  | { readonly kind: "zero"; readonly change: Change }
  | { readonly kind: "factor"; readonly change: Change };

/** The class that a column's tokens are charged at while it has no price of its own. */
const FALLS_BACK_TO: { readonly [column in PriceAmount]?: PriceAmount } = {
  cache_read_per_1k: "input_per_1k",
  cache_write_5m_per_1k: "input_per_1k",
  cache_write_1h_per_1k: "input_per_1k",
  input_audio_per_1k: "input_per_1k",
  input_image_per_1k: "input_per_1k",
  cache_read_audio_per_1k: "input_per_1k",
  output_audio_per_1k: "output_per_1k",
  output_image_per_1k: "output_per_1k",
  long_input_per_1k: "input_per_1k",
  long_output_per_1k: "output_per_1k",
  long_cache_read_per_1k: "input_per_1k",
  long_cache_write_5m_per_1k: "input_per_1k",
  long_cache_write_1h_per_1k: "input_per_1k",
};

/**
 * The changes that look like a mistake: to zero from above zero, to zero where the class would else be
 * charged at another's price, a new model for nothing, or by more than three times either way. A class that
 * gets its first price is not compared: a tenth of the input's price is usual for a cache read.
 */
export function doubtsOf(ours: ListedColumns | null, changes: readonly Change[]): Doubt[] {
  const price = (column: PriceAmount) =>
    (ours ? ours.amounts[column] : changes.find((change) => change.column === column)?.to) ?? 0n;
  return changes.flatMap((change): Doubt[] => {
    if (change.to === 0n) {
      return isSuspiciousZero(change, ours === null, price) ? [{ kind: "zero", change }] : [];
    }
    if (change.from === null || change.from === 0n) return [];
    return isOverThreefold(change.from, change.to) ? [{ kind: "factor", change }] : [];
  });
}

function isSuspiciousZero(
  { column, from }: Change,
  isNew: boolean,
  price: (column: PriceAmount) => bigint,
): boolean {
  if (from !== null) return from > 0n;
  if (column === THRESHOLD || column === "request_fee" || column === "web_search_fee") return false;
  const fallback = FALLS_BACK_TO[column];
  return fallback === undefined ? isNew : price(fallback) > 0n;
}
