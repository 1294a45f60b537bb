/**
 * Decimal strings as bigint, in units of 10^-20 USD: enough for the line of a receipt, which has more
 * digits than the ledger's ten.
 */

export const DECIMALS = 20;
const SHAPE = /^\s*([+-]?)(\d+)(?:\.(\d*))?\s*$/;

/** @returns null where the text is no decimal number. */
export function parseAmount(text: string | null | undefined): bigint | null {
  const found = SHAPE.exec(text ?? "");
  if (found === null) return null;
  const [, sign, whole = "", fraction = ""] = found;
  const units = BigInt(whole + fraction.padEnd(DECIMALS, "0").slice(0, DECIMALS));
  return sign === "-" ? -units : units;
}

/** @returns below zero where `a` is less, zero where they are the same. What is no decimal is nothing. */
export function compareDecimals(a: string, b: string): number {
  const [one, other] = [parseAmount(a) ?? 0n, parseAmount(b) ?? 0n];
  return one < other ? -1 : +(one > other);
}
