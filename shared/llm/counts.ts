import type { MeterFlag } from "./meter.ts";

/** No model reads or writes as much at once; a larger number is a fault. Fits SQL's `integer`. */
export const COUNT_MAX = 100_000_000;

/** A count; `null` when it is absent, which is not zero. A negative one is zero, and flagged. */
export function readCount(value: unknown, flags: Set<MeterFlag>): number | null | "unreadable" {
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value > COUNT_MAX) {
    return "unreadable";
  }
  if (value >= 0) return value;
  flags.add("negative_count");
  return 0;
}
