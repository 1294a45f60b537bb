import type { Tokens } from "../pricing/usage.ts";
import type { MeterFlag, MeterSnapshot } from "./meter.ts";

/** What a report can tell beside its tokens. */
type Reported =
  | "reasoningTokens"
  | "media"
  | "webSearches"
  | "otherModels"
  | "serviceTier"
  | "providerCost";

/** A usage that a provider reported, read. What it does not tell is absent. */
export interface UsageReport extends Readonly<Partial<Pick<MeterSnapshot, Reported>>> {
  /** In disjoint classes. */
  readonly tokens: Tokens;
  /** What was odd about it. */
  readonly flags: readonly MeterFlag[];
}

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

/** A count beside those of the classes: where it cannot be read it is not there, and flagged. */
export function readDetail(value: unknown, flags: Set<MeterFlag>): number | null {
  const count = readCount(value, flags);
  if (count !== "unreadable") return count;
  flags.add("usage_unreadable");
  return null;
}

/** Whether a class has more than a count can be: each may be one, and their sum is none. */
export function isAbsurd(tokens: Tokens): boolean {
  return Object.values(tokens).some((count) => count > COUNT_MAX);
}
