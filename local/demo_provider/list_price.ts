/** What a provider that reports its own cost would report: its list price for these tokens. */
import type { Counts } from "./decide_answer.ts";

/** Ticks in a USD: xAI's unit, in which every price below is a whole number a token. */
const TICKS_PER_USD = 10_000_000_000;

/** USD a million tokens: input, read from the cache, output. As in the seeded price table. */
const PRICES: Readonly<Record<string, readonly [number, number, number]>> = {
  "claude-3-5-haiku-latest": [0.8, 0.08, 4],
  "claude-haiku-4-5": [1, 0.1, 5],
  "claude-opus-4-1": [15, 1.5, 75],
  "claude-sonnet-4-5": [3, 0.3, 15],
  "deepseek-chat": [0.28, 0.028, 0.42],
  "deepseek-reasoner": [0.28, 0.028, 0.42],
  "gemini-2.5-flash": [0.3, 0.03, 2.5],
  "gemini-2.5-flash-lite": [0.1, 0.01, 0.4],
  "gemini-2.5-pro": [1.25, 0.125, 10],
  "gpt-4.1": [2, 0.5, 8],
  "gpt-4.1-mini": [0.4, 0.1, 1.6],
  "gpt-4.1-nano": [0.1, 0.025, 0.4],
  "gpt-4o": [2.5, 1.25, 10],
  "gpt-4o-mini": [0.15, 0.075, 0.6],
  "gpt-5": [1.25, 0.125, 10],
  "gpt-5-mini": [0.25, 0.025, 2],
  "gpt-5-nano": [0.05, 0.005, 0.4],
  "grok-3-mini": [0.3, 0.075, 0.5],
  "grok-4": [3, 0.75, 15],
  "llama-3.3-70b-versatile": [0.59, 0.59, 0.79],
  "mistral-large-latest": [2, 2, 6],
  "o3": [2, 0.5, 8],
  "o4-mini": [1.1, 0.275, 4.4],
};

/** The cost in ticks of 1e-10 USD; null for a model without a list price. */
export function listCostTicks(model: string, counts: Counts): number | null {
  const price = PRICES[model];
  if (price === undefined) return null;
  const [input, cached, output] = price.map((usd) => Math.round(usd * TICKS_PER_USD / 1_000_000));
  return (counts.prompt - counts.cacheRead) * input! + counts.cacheRead * cached! +
    (counts.words + counts.reasoning) * output!;
}

/** The cost to report, in ticks: what the script orders, else the list price. */
export function reportedTicks(
  model: string,
  counts: Counts,
  orderedUsd: number | undefined,
): number | null {
  return orderedUsd === undefined
    ? listCostTicks(model, counts)
    : Math.round(orderedUsd * TICKS_PER_USD);
}

/** The cost to report, in USD. */
export function reportedUsd(
  model: string,
  counts: Counts,
  orderedUsd: number | undefined,
): number | null {
  const ticks = reportedTicks(model, counts, orderedUsd);
  return ticks === null ? null : Number((ticks / TICKS_PER_USD).toFixed(10));
}
