import { costOfTokens, pricesOf, type Tier, tierFor } from "./charge.ts";
import { addMarkup, costWithin, type Usd } from "./money.ts";
import type { Price } from "./price.ts";
import { PROMPT_CLASSES } from "./usage.ts";

/** The most that a request can cost, as far as it is known before it is made. */
export interface RequestBounds {
  readonly price: Price;
  /** Upper bound of the prompt, all classes. */
  readonly inputTokensMax: number;
  readonly markupBasisPoints: number;
}

/**
 * The ceiling of a request that may produce up to `outputTokens`: every token of the prompt at the
 * dearest class it could fall into, of the dearest tier it could fall into, plus the output and the
 * fee, marked up. No charge within these bounds is higher.
 */
export function ceilingOf(bounds: RequestBounds, outputTokens: number): Usd {
  const { prompt, outputPer1k } = dearest(bounds);
  return addMarkup(prompt + costOfTokens(outputTokens, outputPer1k), bounds.markupBasisPoints);
}

/**
 * How many output tokens an amount can pay for, after the prompt at its dearest.
 *
 * @returns the most tokens whose ceiling is within `available`; `null` when not even the prompt is
 * affordable; `Number.MAX_SAFE_INTEGER` when output costs nothing.
 */
export function affordableOutputTokens(bounds: RequestBounds, available: Usd): number | null {
  const { prompt, outputPer1k } = dearest(bounds);
  if (available < 0n) return null;
  const left = costWithin(available, bounds.markupBasisPoints) - prompt;
  if (left < 0n) return null;
  if (outputPer1k === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = left * 1000n / outputPer1k;
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens);
}

/** Cost of the prompt (with the fee) and price of output where each is at its dearest. */
function dearest({ price, inputTokensMax }: RequestBounds): { prompt: Usd; outputPer1k: Usd } {
  // A prompt that may be long may also turn out short, so both tiers are possible then.
  const tiers: readonly Tier[] = tierFor(price, inputTokensMax) === "long_context"
    ? ["standard", "long_context"]
    : ["standard"];
  let inputPer1k = 0n;
  let outputPer1k = 0n;
  for (const tier of tiers) {
    const prices = pricesOf(price, tier);
    for (const name of PROMPT_CLASSES) {
      if (prices[name] > inputPer1k) inputPer1k = prices[name];
    }
    if (prices.output > outputPer1k) outputPer1k = prices.output;
  }
  return { prompt: costOfTokens(inputTokensMax, inputPer1k) + price.requestFee, outputPer1k };
}
