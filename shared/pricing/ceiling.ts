import { costOfSearches, costOfTokens, pricesOf, type Tier, tierFor } from "./charge.ts";
import { addMarkup, costWithin, type Usd } from "./money.ts";
import type { Price } from "./price.ts";
import { CLASS_OF_MEDIA, MEDIA_CLASSES, PROMPT_CLASSES } from "./usage.ts";

/** The most that a request can cost, as far as it is known before it is made. */
export interface RequestBounds {
  readonly price: Price;
  /** The prices of models that may answer instead: the dearest of all counts. */
  readonly fallbackPrices?: readonly Price[];
  /** Upper bound of the prompt, all classes. */
  readonly inputTokensMax: number;
  /** Whether sound or images are in the prompt or the answer; not unless told. */
  readonly withMedia?: boolean;
  /** How often the provider may search; never unless told. */
  readonly webSearchesMax?: number;
  readonly markupBasisPoints: number;
}

/**
 * The ceiling of a request that may produce up to `outputTokens`: every token of the prompt at the
 * dearest class it could fall into, of the dearest tier it could fall into, plus the output, the
 * searches and the fee, of the dearest model that may answer, marked up. No charge within these
 * bounds is higher.
 */
export function ceilingOf(bounds: RequestBounds, outputTokens: number): Usd {
  const costs = candidates(bounds).map(({ fixed, outputPer1k }) =>
    fixed + costOfTokens(outputTokens, outputPer1k)
  );
  return addMarkup(costs.reduce(max), bounds.markupBasisPoints);
}

/**
 * How many output tokens an amount can pay for, after the prompt at its dearest, whoever answers.
 *
 * @returns the most tokens whose ceiling is within `available`; `null` when not even the prompt is
 * affordable; `Number.MAX_SAFE_INTEGER` when output costs nothing.
 */
export function affordableOutputTokens(bounds: RequestBounds, available: Usd): number | null {
  if (available < 0n) return null;
  const within = costWithin(available, bounds.markupBasisPoints);
  let tokens = BigInt(Number.MAX_SAFE_INTEGER);
  for (const { fixed, outputPer1k } of candidates(bounds)) {
    const left = within - fixed;
    if (left < 0n) return null;
    if (outputPer1k === 0n) continue;
    const affordable = left * 1000n / outputPer1k;
    if (affordable < tokens) tokens = affordable;
  }
  return Number(tokens);
}

/** What a model that may answer costs at its dearest: what is fixed before the output, and output. */
interface Candidate {
  /** The prompt, the searches and the fee. */
  readonly fixed: Usd;
  readonly outputPer1k: Usd;
}

function candidates(bounds: RequestBounds): Candidate[] {
  return [bounds.price, ...(bounds.fallbackPrices ?? [])].map((price) => dearest(price, bounds));
}

function dearest(price: Price, bounds: RequestBounds): Candidate {
  const { inputTokensMax, withMedia = false, webSearchesMax = 0 } = bounds;
  // A prompt that may be long may also turn out short, so both tiers are possible then.
  const tiers: readonly Tier[] = tierFor(price, inputTokensMax) === "long_context"
    ? ["standard", "long_context"]
    : ["standard"];
  const classes = tiers.map((tier) => pricesOf(price, tier));
  const media = (isOutput: boolean): Usd[] =>
    MEDIA_CLASSES
      .filter((name) => withMedia && (CLASS_OF_MEDIA[name] === "output") === isOutput)
      .map((name) => price.media[name] ?? 0n);
  const inputPer1k = [
    ...classes.flatMap((prices) => PROMPT_CLASSES.map((name) => prices[name])),
    ...media(false),
  ].reduce(max);
  return {
    fixed: costOfTokens(inputTokensMax, inputPer1k) +
      costOfSearches(webSearchesMax, price.webSearchFee) + price.requestFee,
    outputPer1k: [...classes.map((prices) => prices.output), ...media(true)].reduce(max),
  };
}

function max(a: Usd, b: Usd): Usd {
  return a > b ? a : b;
}
