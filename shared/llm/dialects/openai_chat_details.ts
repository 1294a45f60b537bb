import { readDetail } from "../counts.ts";
import type { JsonObject } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import type { MeterFlag } from "../meter.ts";

/** The breakdowns of a `usage` object, as the provider counts them: nothing is subtracted yet. */
export interface Details {
  readonly cacheRead: number;
  /** Written for 5 minutes, and what is not said to be for longer. */
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly audioInput: number;
  readonly audioCached: number;
  readonly imageInput: number;
  readonly audioOutput: number;
  readonly imageOutput: number;
  readonly reasoning: number | null;
  readonly webSearches: number;
}

/**
 * The breakdowns, under each name that providers give them. The first name that is there counts:
 * DeepSeek and others send the same number under two.
 */
export function readDetails(usage: JsonObject, flags: Set<MeterFlag>): Details {
  const prompt = objectOf(usage.prompt_tokens_details) ?? {};
  const completion = objectOf(usage.completion_tokens_details) ?? {};
  const first = (...values: readonly unknown[]): number | null => {
    for (const value of values) {
      const count = readDetail(value, flags);
      if (count !== null) return count;
    }
    return null;
  };
  const written = first(
    prompt.cache_write_tokens, // OpenAI, OpenRouter
    prompt.cache_creation_input_tokens, // DashScope
    prompt.cache_creation_tokens, // LiteLLM
    usage.cache_creation_input_tokens, // Databricks, Doubleword, Vercel
  );
  // By lifetime, as Anthropic's models have it wherever they are served.
  const lifetimes = objectOf(prompt.cache_creation) ?? objectOf(usage.cache_creation) ?? {};
  const long = first(lifetimes.ephemeral_1h_input_tokens) ?? 0;
  const short = first(lifetimes.ephemeral_5m_input_tokens) ?? 0;
  const total = written ?? long + short;
  const cacheWrite1h = Math.min(long, total);
  return {
    cacheRead: first(
      prompt.cached_tokens,
      usage.cached_tokens, // Moonshot, Together
      usage.prompt_cache_hit_tokens, // DeepSeek
      usage.cache_read_input_tokens, // Venice, Databricks
    ) ?? 0,
    cacheWrite5m: total - cacheWrite1h,
    cacheWrite1h,
    audioInput: first(prompt.audio_tokens, usage.audio_prompt_tokens) ?? 0,
    audioCached: first(objectOf(prompt.cached_tokens_details)?.audio_tokens) ?? 0,
    imageInput: first(prompt.image_tokens) ?? 0,
    audioOutput: first(completion.audio_tokens) ?? 0,
    imageOutput: first(completion.image_tokens) ?? 0,
    reasoning: first(completion.reasoning_tokens, usage.reasoning_tokens),
    webSearches: first(
      objectOf(usage.server_tool_use_details)?.web_search_requests, // OpenRouter
      objectOf(usage.server_tool_use)?.web_search_requests, // Anthropic's models, and OpenRouter before
      usage.num_search_queries, // Perplexity
    ) ?? 0,
  };
}

/**
 * Counts of what the provider bills by the call and no price here covers: xAI's sources of live
 * search and tools on its servers.
 */
export function hasUnpricedTools(usage: JsonObject): boolean {
  return [usage.num_sources_used, usage.num_server_side_tools_used].some((count) =>
    typeof count === "number" && count > 0
  );
}

/** Tiers that cost more than the default one. */
const DEAR_TIERS = new Set<unknown>(["priority", "fast", "ultrafast"]);

/** Whether the provider served a tier that costs more than the price here. */
export function isDearTier(tier: string | null): boolean {
  return DEAR_TIERS.has(tier);
}
