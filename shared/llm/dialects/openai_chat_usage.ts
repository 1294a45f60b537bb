import type { Tokens } from "../../pricing/usage.ts";
import type { CountingRules } from "../counting_rules.ts";
import type { JsonObject } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import type { MeterFlag } from "../meter.ts";

/** A `usage` object, read: counts in disjoint classes and what was odd about them. */
export interface UsageReport {
  readonly tokens: Tokens;
  /** For information; it is inside `tokens.output`. `null` where the provider does not tell. */
  readonly reasoningTokens: number | null;
  readonly flags: readonly MeterFlag[];
}

/** No model reads or writes as much at once; a larger number is a fault. Fits SQL's `integer`. */
const COUNT_MAX = 100_000_000;

/**
 * Reads a `usage` object of Chat Completions by the provider's counting rules. Streamed and whole
 * answers share it.
 *
 * @returns `null` where it does not tell both sides, as in the nulls that some providers send before
 * the end: that is no report, and no zero; or `"unreadable"` where its counts are not counts.
 */
export function readUsage(
  usage: JsonObject,
  rules: CountingRules,
): UsageReport | null | "unreadable" {
  const flags = new Set<MeterFlag>();
  const prompt = readCount(usage.prompt_tokens, flags);
  const total = readCount(usage.total_tokens, flags);
  const completion = readCount(usage.completion_tokens, flags);
  if (prompt === "unreadable" || completion === "unreadable" || total === "unreadable") {
    return "unreadable";
  }
  if (prompt === null || (completion === null && total === null)) return null;
  const details = readDetails(usage, flags);
  const promptTotal = prompt + (rules.audioInput === "outside" ? details.audioInput : 0);
  const reasoning = details.reasoning ?? 0;
  const output = completion === null
    ? Math.max(0, (total ?? 0) - promptTotal)
    : readOutput({ promptTotal, completion, total, reasoning }, rules, flags);
  const prompts = splitPrompt(promptTotal, details.cacheRead, details.cacheWrite, flags);
  return {
    tokens: { ...prompts, cache_write_1h: 0, output },
    reasoningTokens: details.reasoning,
    flags: [...flags],
  };
}

/** The output total, reasoning included, by the rule or else by the reading that adds up. */
function readOutput(
  counts: {
    promptTotal: number;
    completion: number;
    total: number | null;
    reasoning: number;
  },
  rules: CountingRules,
  flags: Set<MeterFlag>,
): number {
  const { promptTotal, completion, total, reasoning } = counts;
  if (rules.reasoning === "hidden_in_total") {
    if (total !== null && total < promptTotal + completion) {
      flags.add("total_mismatch");
    }
    return Math.max(completion, (total ?? 0) - promptTotal);
  }
  const inside = completion;
  const outside = completion + reasoning;
  const [byRule, other] = rules.reasoning === "inside" ? [inside, outside] : [outside, inside];
  let output = byRule;
  if (total !== null && promptTotal + byRule !== total) {
    const fits = promptTotal + other === total;
    flags.add(fits ? "counted_by_total" : "total_mismatch");
    if (fits) output = other;
  }
  if (reasoning > output) flags.add("reasoning_exceeds_output");
  return output;
}

/** Takes the cached tokens out of the prompt, so that each token is in one class. */
function splitPrompt(
  prompt: number,
  cacheRead: number,
  cacheWrite: number,
  flags: Set<MeterFlag>,
): Pick<Tokens, "input" | "cache_read" | "cache_write_5m"> {
  if (cacheRead > prompt) {
    // Grok on Azure: a hidden prompt is cached and counted nowhere else.
    flags.add("cached_exceeds_prompt");
    return { input: prompt, cache_read: cacheRead, cache_write_5m: cacheWrite };
  }
  const written = Math.min(cacheWrite, prompt - cacheRead);
  // OpenRouter with Gemini: tokens written are also reported as read.
  if (written < cacheWrite) flags.add("cache_overlap");
  return {
    input: prompt - cacheRead - written,
    cache_read: cacheRead,
    cache_write_5m: written,
  };
}

interface Details {
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly audioInput: number;
  readonly reasoning: number | null;
}

/**
 * The breakdowns, under each name that providers give them. The first name that is there counts:
 * DeepSeek and others send the same number under two.
 */
function readDetails(usage: JsonObject, flags: Set<MeterFlag>): Details {
  const prompt = objectOf(usage.prompt_tokens_details) ?? {};
  const completion = objectOf(usage.completion_tokens_details) ?? {};
  const first = (...values: readonly unknown[]): number | null => {
    for (const value of values) {
      const count = readCount(value, flags);
      if (count === "unreadable") flags.add("usage_unreadable");
      else if (count !== null) return count;
    }
    return null;
  };
  return {
    cacheRead: first(
      prompt.cached_tokens,
      usage.cached_tokens, // Moonshot
      usage.prompt_cache_hit_tokens, // DeepSeek
      usage.cache_read_input_tokens, // Venice, Databricks
    ) ?? 0,
    cacheWrite: first(prompt.cache_write_tokens, usage.cache_creation_input_tokens) ?? 0,
    audioInput: first(prompt.audio_tokens) ?? 0,
    reasoning: first(completion.reasoning_tokens, usage.reasoning_tokens),
  };
}

/** A count; `null` when it is absent, which is not zero. A negative one is zero, and flagged. */
function readCount(
  value: unknown,
  flags: Set<MeterFlag>,
): number | null | "unreadable" {
  if (value === undefined || value === null) return null;
  if (
    typeof value !== "number" || !Number.isSafeInteger(value) ||
    value > COUNT_MAX
  ) {
    return "unreadable";
  }
  if (value >= 0) return value;
  flags.add("negative_count");
  return 0;
}
