/** Checks of what was typed: each says what it takes, before anything is asked of a target. */
import { isUuid } from "../shared/edge/uuid.ts";
import { parseUsd } from "../shared/pricing/money.ts";

/** What a command was given is not what it takes; the message says what it takes. Exit code 2. */
export class BadArgument extends Error {
  override name = "BadArgument";
}

/** Throws {@link BadArgument} unless `id` is a UUID. `what` begins the sentence: "A user". */
export function requireUuid(what: string, id: string): void {
  if (!isUuid(id)) {
    throw new BadArgument(`${what} is named by its id, a UUID; "${id}" is none.`);
  }
}

/** Decimals of USD that SQL's numeric(20,10) keeps exactly. */
const AN_AMOUNT = /^-?\d{1,10}(\.\d{1,10})?$/;

/** More than anybody means to credit: rather a slip of the keyboard, which an account could not hold. */
const AMOUNT_USD_MAX = 1_000_000n;

/** Throws {@link BadArgument} unless `amount` is an exact, non-zero number of USD: no `5,00`, no `1e9`. */
export function requireAmount(amount: string, mayBeNegative: boolean): void {
  const isAmount = AN_AMOUNT.test(amount) && parseUsd(amount) !== 0n;
  if (isAmount && (mayBeNegative || parseUsd(amount) > 0n)) return requireModest(amount);
  throw new BadArgument(
    `"${amount}" is not an amount in USD: give a number ${
      mayBeNegative ? "other than zero" : "above zero"
    } with at most 10 decimals after a point, such as 5 or 0.0025.` +
      (isAmount ? " What takes away is `farebox adjust`." : ""),
  );
}

function requireModest(amount: string): void {
  const max = parseUsd(AMOUNT_USD_MAX.toString());
  if (parseUsd(amount) <= max && parseUsd(amount) >= -max) return;
  throw new BadArgument(
    `${amount} USD is too large an amount: 1000000 USD is the most at once. Was it meant in cents?`,
  );
}

/** Throws {@link BadArgument} unless `key` is an idempotency key that the ledger takes. */
export function requireKey(key: string): void {
  const length = [...key].length;
  if (length >= 1 && length <= 255) return;
  throw new BadArgument(
    `--key has ${length} characters: give 1 to 255, such as the id of the payment or the case.`,
  );
}

/** Throws {@link BadArgument} unless `text` is a whole number of `min` to `max`. */
export function requireCount(option: string, text: string, min: number, max: number): number {
  const count = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
  if (count >= min && count <= max) return count;
  throw new BadArgument(
    `${option} ${text} is not possible: give a whole number of ${min} to ${max}.`,
  );
}

/** A day, which begins at midnight UTC, or a time with its zone. */
const A_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?$/;

/** A time as it was typed, checked. Throws {@link BadArgument} unless it is one, with its zone. */
export function requireTime(option: string, text: string): Date {
  const time = new Date(text);
  const day = new Date(text.slice(0, 10));
  // Date takes the 31st of June for the 1st of July.
  if (
    A_TIME.test(text) && !Number.isNaN(time.getTime()) &&
    day.toISOString().startsWith(text.slice(0, 10))
  ) return time;
  throw new BadArgument(
    `${option} ${text} is no time: give a day in UTC such as 2026-11-22, or a time with its zone ` +
      "such as 2026-11-22T16:04:00Z.",
  );
}
