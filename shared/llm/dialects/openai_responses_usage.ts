import type { CountingRules } from "../counting_rules.ts";
import type { UsageReport } from "../counts.ts";
import type { JsonObject } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { readUsage as readChatUsage } from "./openai_chat_usage.ts";

/**
 * Reads a `usage` object of the Responses API: Chat's, under other names. Cached tokens and those
 * written to the cache are inside `input_tokens`; reasoning is inside `output_tokens`, at xAI too.
 *
 * @returns as Chat's: `null` is no report, and no zero.
 */
export function readUsage(
  usage: JsonObject,
  rules: CountingRules,
): UsageReport | null | "unreadable" {
  return readChatUsage({
    ...usage,
    prompt_tokens: usage.input_tokens,
    prompt_tokens_details: usage.input_tokens_details,
    completion_tokens: usage.output_tokens,
    completion_tokens_details: usage.output_tokens_details,
    // Among these are searches, which have a price: `readToolUsage` tells them apart.
    num_server_side_tools_used: undefined,
  }, rules);
}

/** What the provider ran itself for an answer, beside the tokens. */
export interface ToolReport {
  /** Searches that it bills; `null` where it does not count them. */
  readonly webSearches: number | null;
  /** True where it counts calls, or tokens, of a tool that has no price here. */
  readonly hasUnpriced: boolean;
}

/** More is a fault, not a count. */
export const CALLS_MAX = 10_000;

/**
 * Reads the counts of a provider's own tools: OpenAI's `tool_usage`, which stands beside `usage`, and
 * xAI's `server_side_tool_usage_details` within it, which counts only what it bills
 * (https://docs.x.ai/developers/tools/tool-usage-details).
 */
export function readToolUsage(response: JsonObject): ToolReport {
  const toolUsage = objectOf(response.tool_usage) ?? {};
  const { web_search: search, ...otherTools } = toolUsage;
  const xai = objectOf(objectOf(response.usage)?.server_side_tool_usage_details) ?? {};
  const { web_search_calls: searchCalls, ...otherCalls } = xai;
  return {
    webSearches: readCalls(objectOf(search)?.num_requests) ?? readCalls(searchCalls),
    hasUnpriced: [...Object.values(otherTools), otherCalls].some(hasCount),
  };
}

function readCalls(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 &&
      value <= CALLS_MAX
    ? value
    : null;
}

/** Whether a count, or an object of counts such as `{"input_tokens":0}`, tells of any use. */
function hasCount(value: unknown): boolean {
  if (typeof value === "number") return value > 0;
  return Object.values(objectOf(value) ?? {}).some((count) =>
    typeof count === "number" && count > 0
  );
}
