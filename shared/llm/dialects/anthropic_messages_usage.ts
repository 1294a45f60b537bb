import { type Tokens, ZERO_TOKENS } from "../../pricing/usage.ts";
import { isAbsurd, readCount, readDetail, type UsageReport } from "../counts.ts";
import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import type { MeterFlag, OtherModelUsage } from "../meter.ts";
import { readProviderCost } from "../provider_cost.ts";

/** Counters of server tools whose calls are free: what they bring is in the input tokens. */
const FREE_TOOL_COUNTERS = new Set(["web_fetch_requests", "tool_search_requests"]);

/**
 * What is known after a further report: its counts are totals of the message so far, so each that is
 * there replaces what was known. Absent and `null` say nothing: 42 of 423 recorded deltas lack the input.
 */
export function overlayUsage(known: JsonObject, report: JsonObject): JsonObject {
  const told = Object.entries(report).filter(([, value]) => value !== null && value !== undefined);
  return { ...known, ...Object.fromEntries(told) };
}

/**
 * Reads a `usage` object of Anthropic Messages. Streamed and whole answers share it.
 *
 * Cache reads and writes are outside `input_tokens`; thinking is inside `output_tokens`. Where there
 * are `iterations`, they are the bill: the top level leaves out compaction and an advisor.
 *
 * @returns `null` where it does not tell both sides: that is no report, and no zero; or
 * `"unreadable"` where its counts are not counts.
 */
export function readUsage(usage: JsonObject): UsageReport | null | "unreadable" {
  const flags = new Set<MeterFlag>();
  const top = readTokens(usage, flags);
  if (top === null || top === "unreadable") return top;
  const charged = readIterations(arrayOf(usage.iterations), top, flags) ??
    { tokens: top, otherModels: [] };
  const reasoning = readDetail(objectOf(usage.output_tokens_details)?.thinking_tokens, flags);
  if (reasoning !== null && reasoning > top.output) flags.add("reasoning_exceeds_output");
  if (usage.speed === "fast" || usage.inference_geo === "us") flags.add("unpriced_tier");
  return {
    ...charged,
    reasoningTokens: reasoning,
    webSearches: readSearches(usage, flags),
    serviceTier: textOf(usage.service_tier),
    providerCost: readProviderCost(usage),
    flags: [...flags],
  };
}

/** The counts of a usage or of an iteration, which have the same names. */
function readTokens(usage: JsonObject, flags: Set<MeterFlag>): Tokens | null | "unreadable" {
  const input = readCount(usage.input_tokens, flags);
  const output = readCount(usage.output_tokens, flags);
  const cacheRead = readCount(usage.cache_read_input_tokens, flags);
  const written = readCount(usage.cache_creation_input_tokens, flags);
  if (
    input === "unreadable" || output === "unreadable" || cacheRead === "unreadable" ||
    written === "unreadable"
  ) return "unreadable";
  if (input === null || output === null) return null;
  const writes = splitWrites(written, objectOf(usage.cache_creation), flags);
  return { input, cache_read: cacheRead ?? 0, ...writes, output };
}

/**
 * Cache writes by lifetime. Their total is the later report: `message_start` tells the split, and a
 * delta may raise the total alone. What the split does not tell is taken for 5 minutes, the default
 * of the API and the cheaper of the two.
 */
function splitWrites(
  total: number | null,
  split: JsonObject | null,
  flags: Set<MeterFlag>,
): Pick<Tokens, "cache_write_5m" | "cache_write_1h"> {
  const for5m = readDetail(split?.ephemeral_5m_input_tokens, flags) ?? 0;
  const for1h = readDetail(split?.ephemeral_1h_input_tokens, flags) ?? 0;
  const written = total ?? for5m + for1h;
  // Without a split there is nothing stale, and without writes nothing to split.
  if (split !== null && written > 0 && written !== for5m + for1h) flags.add("cache_split_stale");
  const hourly = Math.min(for1h, written);
  return { cache_write_5m: written - hourly, cache_write_1h: hourly };
}

/**
 * The sum of the runs of the model: `message` and `compaction`, which the top level leaves out. A run
 * of another model (`advisor_message`, `fallback_message`) is that model's. `null` where there are
 * none that can be read.
 */
function readIterations(
  iterations: readonly unknown[],
  top: Tokens,
  flags: Set<MeterFlag>,
): { tokens: Tokens; otherModels: OtherModelUsage[] } | null {
  if (iterations.length === 0) return null;
  const oddities = new Set<MeterFlag>();
  const others = new Map<string, Tokens>();
  let sampled: Tokens | null = null;
  let compacted = ZERO_TOKENS;
  for (const item of iterations) {
    const iteration = objectOf(item);
    const tokens = iteration === null ? null : readTokens(iteration, oddities);
    if (iteration === null || tokens === null || tokens === "unreadable") {
      flags.add("usage_unreadable");
      return null;
    }
    const model = textOf(iteration.model);
    const isOther = iteration.type === "advisor_message" || iteration.type === "fallback_message";
    if (isOther && model !== null) {
      others.set(model, sum(others.get(model) ?? ZERO_TOKENS, tokens));
    } else if (iteration.type === "compaction") compacted = sum(compacted, tokens);
    else sampled = sum(sampled ?? ZERO_TOKENS, tokens);
  }
  const tokens = sum(sampled ?? top, compacted);
  if ([tokens, ...others.values()].some(isAbsurd)) {
    flags.add("usage_unreadable");
    return null;
  }
  // A lifetime that is stale at the top is told by each iteration.
  if (sampled !== null) flags.delete("cache_split_stale");
  if (sampled !== null && !isSameSum(sampled, top)) flags.add("total_mismatch");
  for (const flag of oddities) flags.add(flag);
  return { tokens, otherModels: [...others].map(([model, tokens]) => ({ model, tokens })) };
}

function sum(a: Tokens, b: Tokens): Tokens {
  return {
    input: a.input + b.input,
    cache_read: a.cache_read + b.cache_read,
    cache_write_5m: a.cache_write_5m + b.cache_write_5m,
    cache_write_1h: a.cache_write_1h + b.cache_write_1h,
    output: a.output + b.output,
  };
}

/** Whether the counts agree; the lifetimes of cache writes may be stale at the top. */
function isSameSum(a: Tokens, b: Tokens): boolean {
  const writes = (tokens: Tokens) => tokens.cache_write_5m + tokens.cache_write_1h;
  return a.input === b.input && a.cache_read === b.cache_read && writes(a) === writes(b) &&
    a.output === b.output;
}

/** Searches are billed by the search. Any other counted tool may cost what no price here covers. */
function readSearches(usage: JsonObject, flags: Set<MeterFlag>): number {
  const { web_search_requests: searches, ...others } = objectOf(usage.server_tool_use) ?? {};
  for (const [name, count] of Object.entries(others)) {
    if (typeof count === "number" && count > 0 && !FREE_TOOL_COUNTERS.has(name)) {
      flags.add("unpriced_tool");
    }
  }
  return readDetail(searches, flags) ?? 0;
}
