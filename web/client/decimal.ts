/** Decimal strings, compared exactly. */

/** Of balances and costs: numeric(20,10). */
const DECIMALS = 10;

/** @returns below zero where `a` is less, zero where they are the same amount. */
export function compareDecimals(a: string, b: string): number {
  const difference = units(a) - units(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function units(amount: string): bigint {
  const [whole = "", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(DECIMALS, "0").slice(0, DECIMALS));
}
