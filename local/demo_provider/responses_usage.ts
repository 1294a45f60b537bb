/** The usage object of the Responses dialect: reasoning and cached tokens are inside, everywhere. */
import type { Answer } from "./decide_answer.ts";
import { reportedTicks, reportedUsd } from "./list_price.ts";

export function responsesUsage(answer: Answer, provider: string): unknown {
  const { script, model } = answer.ask;
  if (script.omit_usage) return null;
  if ("usage" in script) return script.usage;
  const { counts } = answer;
  const output = counts.words + counts.reasoning;
  const writes = counts.cacheWrite5m + counts.cacheWrite1h;
  return {
    input_tokens: counts.prompt,
    input_tokens_details: {
      cached_tokens: counts.cacheRead,
      ...(writes === 0 ? {} : { cache_write_tokens: writes }),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: counts.reasoning },
    total_tokens: counts.prompt + output,
    ...own(provider, answer, reportedUsd(model.id, counts, script.cost)),
  };
}

/** What only this provider has in its usage. */
function own(provider: string, { ask: { model, script }, counts }: Answer, usd: number | null) {
  if (provider === "openrouter") {
    return { cost: usd ?? 0, is_byok: false, cost_details: { upstream_inference_cost: null } };
  }
  if (provider !== "xai") return {};
  const ticks = reportedTicks(model.id, counts, script.cost);
  const searches = script.web_searches ?? 0;
  return {
    num_sources_used: 0,
    num_server_side_tools_used: searches,
    ...(ticks === null ? {} : { cost_in_usd_ticks: ticks }),
    server_side_tool_usage_details: {
      web_search_calls: searches,
      x_search_calls: 0,
      code_interpreter_calls: 0,
      file_search_calls: 0,
      mcp_calls: 0,
      document_search_calls: 0,
    },
  };
}
