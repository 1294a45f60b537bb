/**
 * Amounts as the elements compare and add them: bigint, in units of 10^-20 USD. That is enough for
 * the line of a receipt, which has more digits than the ledger's ten.
 */

const DECIMALS = 20;
const SHAPE = /^\s*([+-]?)(\d+)(?:\.(\d*))?\s*$/;

/** @returns the amount in units of 10^-20 USD; null where the text is no decimal number. */
export function parseAmount(text: string | null | undefined): bigint | null {
  const found = SHAPE.exec(text ?? "");
  if (found === null) return null;
  const [, sign, whole = "", fraction = ""] = found;
  const units = BigInt(whole + fraction.padEnd(DECIMALS, "0").slice(0, DECIMALS));
  return sign === "-" ? -units : units;
}

/** @returns the decimal string of an amount, without needless zeros. */
export function amountText(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(DECIMALS + 1, "0");
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  return (units < 0n ? "-" : "") + digits.slice(0, -DECIMALS) + (fraction && `.${fraction}`);
}

/** What is no decimal counts as nothing. */
export function sumAmounts(amounts: Iterable<string>): string {
  let sum = 0n;
  for (const amount of amounts) sum += parseAmount(amount) ?? 0n;
  return amountText(sum);
}
