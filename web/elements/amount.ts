/** Amounts as the elements add and write them: see the client's decimals. */
import { DECIMALS, parseAmount } from "../client/decimal.ts";

export { parseAmount };

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
