/**
 * Amounts as people read them. All take decimal strings in USD, as the functions answer them. What
 * is no decimal number is shown as it came, for a made-up amount would be worse.
 */
import { amountText, parseAmount } from "./amount.ts";

/** `amount.ts` counts in units of 10^-20. */
const UNIT_DECIMALS = 20;
const CENT = 10n ** BigInt(UNIT_DECIMALS - 2);

/** A cost, with all its digits and at least two decimals: `0.00103` is `$0.00103`. */
export function formatCost(cost: string): string {
  const units = parseAmount(cost);
  return units === null ? cost : dollars(units);
}

/**
 * A balance, never more than there is: rounded down to four decimals, below a cent to six.
 * `9.9989712345` is `$9.9989`.
 */
export function formatBalance(balance: string): string {
  const units = parseAmount(balance);
  if (units === null) return balance;
  return dollars(roundDown(units, units > -CENT && units < CENT ? 6 : 4));
}

/** An estimate: two significant digits, or cents where those are finer. `0.00502` is `$0.005`. */
export function formatApprox(amount: string): string {
  const units = parseAmount(amount);
  if (units === null) return amount;
  const size = units < 0n ? -units : units;
  // The first digit's place: 10^-2 for 0.05.
  const decimals = UNIT_DECIMALS + 1 - size.toString().length;
  const step = stepOf(Math.max(2, decimals + 1));
  const rounded = ((size + step / 2n) / step) * step;
  return dollars(units < 0n ? -rounded : rounded);
}

/** A count of tokens or messages: `12345` is `12,345`. */
export function formatCount(count: number): string {
  return grouped(String(count));
}

function dollars(units: bigint): string {
  const [whole = "", fraction = ""] = amountText(units < 0n ? -units : units).split(".");
  return `${units < 0n ? "-" : ""}$${grouped(whole)}.${fraction.padEnd(2, "0")}`;
}

/** Towards less, below zero too. */
function roundDown(units: bigint, decimals: number): bigint {
  const step = stepOf(decimals);
  const rest = units % step;
  return units - rest - (rest < 0n ? step : 0n);
}

function stepOf(decimals: number): bigint {
  return decimals >= UNIT_DECIMALS ? 1n : 10n ** BigInt(UNIT_DECIMALS - decimals);
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
