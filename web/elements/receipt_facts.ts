/** A receipt as its table needs it: read once, and added up. */
import type { Receipt } from "../client/types.ts";
import { amountText, parseAmount, sumAmounts } from "./amount.ts";

/** One line. A search has `count` and `fee` where tokens have a price per 1,000. */
export interface ReceiptLine {
  readonly class: string;
  readonly tokens?: number;
  readonly price_per_1k?: string | null;
  readonly count?: number;
  readonly fee?: string | null;
  readonly cost: string;
  /** Another model than the answer's, asked within it. */
  readonly model?: string;
}

export interface Refund {
  /** What came back; negative: what was taken. */
  readonly amount: string;
  readonly reason: string | null;
  readonly created_at: string;
}

/** What was found out later, and mended. */
export interface Correction {
  readonly cost: string;
  readonly balance_before: string | null;
  readonly balance_after: string | null;
  readonly created_at: string;
}

export interface ReceiptFacts {
  readonly lines: readonly ReceiptLine[];
  /** Null for none. */
  readonly requestFee: string | null;
  /** Lines and fee; null where that is the cost. */
  readonly subtotal: string | null;
  /** From there to the cost: the markup, and the rounding to the ledger's last digit. */
  readonly difference: string;
  readonly refunds: readonly Refund[];
  readonly correction: Correction | null;
  readonly uncollected: string | null;
  readonly flags: readonly string[];
}

export function factsOf(receipt: Receipt): ReceiptFacts {
  // A charge that used nothing has no lines.
  const lines: readonly ReceiptLine[] = receipt.lines ?? [];
  const sum = sumAmounts([...lines.map((line) => line.cost), receipt.request_fee]);
  const difference = (parseAmount(receipt.cost) ?? 0n) - (parseAmount(sum) ?? 0n);
  return {
    lines,
    requestFee: isNothing(receipt.request_fee) ? null : receipt.request_fee,
    subtotal: difference === 0n ? null : sum,
    difference: amountText(difference),
    refunds: (receipt.refunds ?? []) as readonly Refund[],
    correction: (receipt.correction ?? null) as Correction | null,
    uncollected: isNothing(receipt.uncollected) ? null : receipt.uncollected,
    flags: Array.isArray(receipt.flags) ? receipt.flags.map(String) : [],
  };
}

export function isNothing(amount: string | null): boolean {
  return (parseAmount(amount) ?? 0n) === 0n;
}
