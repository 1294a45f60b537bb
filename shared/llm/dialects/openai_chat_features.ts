import type { JsonObject, PricedFeature } from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { isPresent } from "./request_checks.ts";

/** What a request asks the answer to be beside text. */
export interface AskedFeatures {
  readonly features: readonly PricedFeature[];
  readonly webSearchesMax: number;
  /** True where the stream will show less than is billed: spoken, drawn, or thought in secret. */
  readonly hidesOutput: boolean;
}

/** OpenAI's models for search make one a request, whatever `web_search_options` says. */
const SEARCHES_A_REQUEST = 1;

/** Reads what kinds of output a request asks for. Fields of other types have been refused before. */
export function readFeatures(body: JsonObject): AskedFeatures {
  const modalities = arrayOf(body.modalities);
  const features: PricedFeature[] = [];
  if (modalities.includes("audio") || objectOf(body.audio) !== null) features.push("output_audio");
  if (modalities.includes("image")) features.push("output_image");
  const hidesOutput = features.length > 0 || hidesThinking(body);
  const maySearch = objectOf(body.web_search_options) !== null;
  if (maySearch) features.push("web_search");
  return { features, webSearchesMax: maySearch ? SEARCHES_A_REQUEST : 0, hidesOutput };
}

/**
 * Whether the request itself makes a model think that would show it in part or not at all; models
 * that never show it say so in their price (`hides_reasoning`).
 */
function hidesThinking(body: JsonObject): boolean {
  // Anthropic's compatibility layer shows nothing of it. DeepSeek, Moonshot and Z.ai, who show all,
  // have the same field without a budget.
  const thinking = objectOf(body.thinking);
  if (thinking?.type === "adaptive" || typeof thinking?.budget_tokens === "number") return true;
  // OpenRouter: a summary at best, where the model behind it has no more to give.
  const reasoning = objectOf(body.reasoning);
  if (reasoning !== null && reasoning.enabled !== false && reasoning.effort !== "none") return true;
  // OpenAI's and Google's compatible API show nothing of it; whoever shows it loses nothing by this.
  if (isPresent(body.reasoning_effort) && body.reasoning_effort !== "none") return true;
  if (asksGoogleToThink(body.google) || asksGoogleToThink(objectOf(body.extra_body)?.google)) {
    return true;
  }
  // OpenRouter's older switch, and Groq's.
  return body.include_reasoning === false || body.reasoning_format === "hidden";
}

/** Google's own way to say so in its compatible API; a budget of 0 is none. */
function asksGoogleToThink(google: unknown): boolean {
  const fields = objectOf(google);
  return [fields?.thinking_config, fields?.thinkingConfig].map(objectOf).some((config) => {
    const budgets = [config?.thinking_budget, config?.thinkingBudget].filter(isPresent);
    return config !== null && (budgets.length === 0 || budgets.some((budget) => budget !== 0));
  });
}
