/**
 * Exact decimals out of the JavaScript numbers of a price list. A number is read as its shortest
 * decimal text, which is what the list's author wrote; from there on nothing is a float.
 */
import { parseUsd, type Usd } from "../../shared/pricing/money.ts";

const NUMBER_TEXT = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;

/**
 * `value ÷ 10^places` as plain decimal text: `(0.28, 3)` → `"0.00028"`, `(2.5e-7, -3)` → `"0.00025"`.
 *
 * @throws RangeError when the value is negative or no number.
 */
export function shiftedDecimal(value: number, places: number): string {
  const match = NUMBER_TEXT.exec(String(value));
  if (match === null) throw new RangeError(`Cannot read a price: current value is ${value}`);
  const [, whole = "", decimals = "", exponent = "0"] = match;
  const digits = whole + decimals;
  const point = whole.length + Number(exponent) - places;
  const padded = point <= 0 ? "0".repeat(1 - point) + digits : digits.padEnd(point, "0");
  const split = Math.max(point, 1);
  const left = padded.slice(0, split).replace(/^0+(?=\d)/, "");
  const right = padded.slice(split).replace(/0+$/, "");
  return right === "" ? left : `${left}.${right}`;
}

/** USD per million as USD per 1,000; `null` where 7 decimals cannot hold it exactly. */
export function per1kFromPerMillion(value: number): Usd | null {
  const text = shiftedDecimal(value, 3);
  return decimalsOf(text) > 7 ? null : parseUsd(text);
}

/** USD per thousand pieces as USD each; `null` where 10 decimals cannot hold it exactly. */
export function eachFromPerThousand(value: number): Usd | null {
  const text = shiftedDecimal(value, 3);
  return decimalsOf(text) > 10 ? null : parseUsd(text);
}

/** Two amounts that are further apart than 1 % of the smaller. Exactly 1 % is not. */
export function differsByOverOnePercent(a: bigint, b: bigint): boolean {
  const [small, large] = a < b ? [a, b] : [b, a];
  return (large - small) * 100n > small;
}

/** A change to more than three times, or to less than a third. Exactly three times is not. */
export function isOverThreefold(from: bigint, to: bigint): boolean {
  return to > 3n * from || from > 3n * to;
}

/** `×1.25`, for people: rounded to two decimals, or three digits where it is small. */
export function factorText(from: bigint, to: bigint): string {
  if (from === 0n) return to === 0n ? "×1" : "×∞";
  const thousandths = (to * 1000n + from / 2n) / from;
  const hundredths = (thousandths + 5n) / 10n;
  const [count, decimals] = hundredths < 10n ? [thousandths, 3] : [hundredths, 2];
  const digits = count.toString().padStart(decimals + 1, "0");
  const fraction = digits.slice(-decimals).replace(/0+$/, "");
  return `×${digits.slice(0, -decimals)}${fraction === "" ? "" : `.${fraction}`}`;
}

function decimalsOf(text: string): number {
  return text.split(".")[1]?.length ?? 0;
}
