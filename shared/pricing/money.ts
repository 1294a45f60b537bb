/**
 * Money as counts of 1e-10 USD. The one place where money is read from text, written to text and
 * rounded. A price per 1,000 tokens has at most 7 decimals, so tokens × price is a whole count.
 */

/** An amount of money: a count of 1e-10 USD. `10_000_000_000n` is one dollar. */
export type Usd = bigint;

/** One dollar. */
export const USD_ONE: Usd = 10_000_000_000n;

const DECIMALS_MAX = 10;
/** `numeric(20,10)` holds 10 digits before the point; sums may hold more, nothing real holds 30. */
const INTEGER_DIGITS_MAX = 30;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * Reads a decimal string such as `"0.0012"` exactly.
 *
 * @throws RangeError when the text is not a plain decimal, has more than 10 decimals, or is absurdly
 * long. Exponents, signs other than `-`, spaces and `NaN` are not decimals.
 */
export function parseUsd(text: string): Usd {
  const match = text.length <= INTEGER_DIGITS_MAX + DECIMALS_MAX + 2 ? DECIMAL.exec(text) : null;
  if (match === null) {
    throw new RangeError(
      `Cannot read an amount as a decimal: current value is ${JSON.stringify(text.slice(0, 60))}`,
    );
  }
  const [, sign, whole = "", decimals = ""] = match;
  if (decimals.length > DECIMALS_MAX) {
    throw new RangeError(
      `Cannot read an amount with more than ${DECIMALS_MAX} decimals: current value is "${text}"`,
    );
  }
  const count = BigInt(whole + decimals.padEnd(DECIMALS_MAX, "0"));
  return sign === "-" ? -count : count;
}

/** Writes an amount as the shortest exact decimal: no exponent, no trailing zeros, `"0"` for zero. */
export function formatUsd(amount: Usd): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(DECIMALS_MAX + 1, "0");
  const whole = digits.slice(0, -DECIMALS_MAX);
  const decimals = digits.slice(-DECIMALS_MAX).replace(/0+$/, "");
  return (amount < 0n ? "-" : "") + whole + (decimals === "" ? "" : `.${decimals}`);
}

/**
 * A value that `JSON.stringify` writes as the exact number, such as `{"balance":9.9988}`, with no
 * float in between. Use it only inside something that is about to be stringified.
 *
 * A runtime without `JSON.rawJSON` gets a float where that float prints as the same digits, else the
 * exact decimal string: never a wrong amount.
 */
export function rawJsonNumber(amount: Usd): unknown {
  const text = formatUsd(amount);
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
  if (rawJSON !== undefined) return rawJSON(text);
  const float = Number(text);
  return String(float) === text ? float : text;
}

/**
 * Adds a markup to a cost: `ceil(cost × (10000 + basisPoints) / 10000)` at 10 decimals. The only
 * rounding of money there is, and it rounds up.
 *
 * @throws RangeError when the cost or the markup is negative, or the markup is not whole.
 */
export function addMarkup(cost: Usd, markupBasisPoints: number): Usd {
  if (!Number.isSafeInteger(markupBasisPoints) || markupBasisPoints < 0) {
    throw new RangeError(
      `Cannot mark up by other than whole basis points of 0 or more: current value is ${markupBasisPoints}`,
    );
  }
  if (cost < 0n) {
    throw new RangeError(`Cannot mark up a negative cost: current value is ${formatUsd(cost)}`);
  }
  const scaled = cost * (BASIS_POINTS + BigInt(markupBasisPoints));
  return (scaled + BASIS_POINTS - 1n) / BASIS_POINTS;
}

/** The greatest cost whose charge, after the markup, is still at most `charge`. */
export function costWithin(charge: Usd, markupBasisPoints: number): Usd {
  return charge * BASIS_POINTS / (BASIS_POINTS + BigInt(markupBasisPoints));
}

const BASIS_POINTS = 10_000n;
