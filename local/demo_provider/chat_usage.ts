/** The usage object of Chat Completions, as each provider counts. */
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { PROVIDERS } from "../../shared/llm/providers.ts";
import type { Answer, Counts } from "./decide_answer.ts";
import { reportedTicks, reportedUsd } from "./list_price.ts";

export function chatUsage(answer: Answer, provider: string): unknown {
  const { script, model } = answer.ask;
  if ("usage" in script) return script.usage;
  const { counts } = answer;
  const rule = (PROVIDERS.get(provider)?.endpoints["openai-chat"]?.counting ?? DEFAULT_COUNTING)
    .reasoning;
  const writes = counts.cacheWrite5m + counts.cacheWrite1h;
  const common = {
    prompt_tokens: counts.prompt,
    completion_tokens: counts.words + (rule === "inside" ? counts.reasoning : 0),
    total_tokens: counts.prompt + counts.words + counts.reasoning,
  };
  // Reasoning that is hidden in the total is in no other field.
  if (rule === "hidden_in_total") return common;
  return {
    ...common,
    prompt_tokens_details: {
      cached_tokens: counts.cacheRead,
      audio_tokens: 0,
      ...(writes === 0 ? {} : { cache_write_tokens: writes }),
    },
    completion_tokens_details: {
      reasoning_tokens: counts.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
    ...own(provider, model.id, counts, script.cost, script.web_searches ?? 0),
  };
}

/** What only this provider has in its usage. */
function own(
  provider: string,
  model: string,
  counts: Counts,
  orderedUsd: number | undefined,
  searches: number,
): object {
  const usd = reportedUsd(model, counts, orderedUsd);
  switch (provider) {
    case "xai": {
      const ticks = reportedTicks(model, counts, orderedUsd);
      return {
        num_sources_used: searches,
        ...(ticks === null ? {} : { cost_in_usd_ticks: ticks }),
      };
    }
    case "openrouter":
      return {
        cost: usd ?? 0,
        is_byok: false,
        cost_details: { upstream_inference_cost: null },
        ...(searches === 0 ? {} : { server_tool_use_details: { web_search_requests: searches } }),
      };
    case "deepseek":
      return {
        prompt_cache_hit_tokens: counts.cacheRead,
        prompt_cache_miss_tokens: counts.prompt - counts.cacheRead,
      };
    case "moonshot":
      return { cached_tokens: counts.cacheRead };
    case "groq":
      return { queue_time: 0.02, prompt_time: 0.01, completion_time: 0.1, total_time: 0.13 };
    case "perplexity":
      return {
        search_context_size: "low",
        ...(usd === null ? {} : { cost: { request_cost: 0, total_cost: usd } }),
      };
    default:
      return {};
  }
}
