import type { JsonObject, RequestFault } from "../dialect.ts";
import { isDeeperThan, objectOf } from "../json_reading.ts";

/**
 * Checks that every dialect makes of a request in the same way. Each returns what it read, or the
 * fault to tell the client; none throws.
 */

/** More messages or items than any conversation has; it bounds the work that one request can make. */
export const ITEMS_MAX = 5_000;
/** A tool's schema may nest 20 deep; beyond 100 it is an attack on the next recursive parser. */
const DEPTH_MAX = 100;
const OUTPUT_TOKENS_MAX = 10_000_000;

export function fault(message: string, param: string | null): RequestFault {
  return { kind: "fault", message, param };
}

/** `null` is what some clients send for a field that they leave out. */
export function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The parsed body as an object that can be walked without harm. */
export function readBody(parsed: unknown): { kind: "body"; body: JsonObject } | RequestFault {
  const body = objectOf(parsed);
  if (body === null) return fault("The body must be a JSON object.", null);
  if (isDeeperThan(body, DEPTH_MAX)) {
    return fault(`The body is nested more than ${DEPTH_MAX} levels deep. Flatten it.`, null);
  }
  return { kind: "body", body };
}

/** A field that is true, false or absent. */
export function checkFlag(value: unknown, param: string): RequestFault | null {
  return isPresent(value) && typeof value !== "boolean"
    ? fault(`${param} must be true or false.`, param)
    : null;
}

/** A limit of output tokens; `null` where there is none. */
export function readOutputLimit(value: unknown, param: string): number | null | RequestFault {
  return readWhole(value, param, OUTPUT_TOKENS_MAX);
}

/** A whole number from 1 to `max`; `null` where there is none. */
export function readWhole(
  value: unknown,
  param: string,
  max: number,
): number | null | RequestFault {
  if (!isPresent(value)) return null;
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= max
    ? value
    : fault(`${param} must be a whole number from 1 to ${max}.`, param);
}

/** Whether what was read is why it cannot be. */
export function isFault<Read>(read: Read | RequestFault): read is RequestFault {
  return typeof read === "object" && read !== null && "kind" in read && read.kind === "fault";
}

/** A list of messages, or of what a dialect calls so, that is not too long. */
export function checkLength(
  list: readonly unknown[],
  called: string,
  param: string,
): RequestFault | null {
  return list.length <= ITEMS_MAX ? null : fault(
    `Send at most ${ITEMS_MAX} ${called}: there are ${list.length}. Shorten the history.`,
    param,
  );
}
