import { addMarkup, type Usd } from "./money.ts";
import type { ClassPrices, Price } from "./price.ts";
import {
  CLASS_OF_MEDIA,
  MEDIA_CLASSES,
  type MediaClass,
  type MediaTokens,
  NO_MEDIA,
  promptTokens,
  TOKEN_CLASSES,
  type TokenClass,
  type Tokens,
} from "./usage.ts";

/** Which of a model's prices apply to a request. */
export type Tier = "standard" | "long_context";

/** What a request used. What another model used within it is charged at that model's own price. */
export interface Used {
  readonly tokens: Tokens;
  /** Sound and images inside of `tokens`; none unless told. */
  readonly media?: MediaTokens;
  /** Searches by the provider; none unless told. */
  readonly webSearches?: number;
}

/** One class of tokens on a receipt; a class is without its sound and images, which are classes too. */
export interface ChargeLine {
  readonly class: TokenClass | MediaClass;
  readonly tokens: number;
  readonly pricePer1k: Usd;
  readonly cost: Usd;
}

/** What a request costs, and why. `charge` is what leaves the balance. */
export interface Charge {
  readonly tier: Tier;
  /** The classes that were used, input first. A class without tokens has no line. */
  readonly lines: readonly ChargeLine[];
  /** What the searches cost; nothing where the price has no fee for them. */
  readonly webSearchCost: Usd;
  readonly requestFee: Usd;
  /** Sum of the lines, the searches and the fee; exact. */
  readonly cost: Usd;
  readonly markupBasisPoints: number;
  /** The cost with the markup, rounded up at the tenth decimal. */
  readonly charge: Usd;
}

/**
 * Charges what was used at a price: the same arithmetic as `billing.cost_of_charge` in SQL, to the
 * last decimal (`tests/db/charge_equality_test.ts`). SQL charges; this estimates and explains.
 *
 * @param markupBasisPoints whole, 0 or more; 100 is one per cent.
 * @throws RangeError when a count is negative or not whole, or media exceed their class: a meter's
 * fault, not a caller's.
 */
export function chargeFor(price: Price, used: Used, markupBasisPoints: number): Charge {
  const tier = tierFor(price, promptTokens(used.tokens));
  const lines = linesOf(price, pricesOf(price, tier), used);
  const webSearchCost = costOfSearches(used.webSearches ?? 0, price.webSearchFee);
  const cost = lines.reduce((sum, line) => sum + line.cost, price.requestFee + webSearchCost);
  return {
    tier,
    lines,
    webSearchCost,
    requestFee: price.requestFee,
    cost,
    markupBasisPoints,
    charge: addMarkup(cost, markupBasisPoints),
  };
}

/** The disjoint classes that were used, each class before the media inside of it. */
function linesOf(price: Price, prices: ClassPrices, used: Used): ChargeLine[] {
  const media = used.media ?? NO_MEDIA;
  return TOKEN_CLASSES.flatMap((name) => {
    const inside = MEDIA_CLASSES.filter((medium) => CLASS_OF_MEDIA[medium] === name);
    const text = inside.reduce((rest, medium) => rest - media[medium], used.tokens[name]);
    return [
      lineOf(name, text, prices[name]),
      ...inside.map((medium) => lineOf(medium, media[medium], price.media[medium] ?? prices[name])),
    ];
  }).filter((line) => line.tokens !== 0);
}

function lineOf(name: ChargeLine["class"], tokens: number, pricePer1k: Usd): ChargeLine {
  return { class: name, tokens, pricePer1k, cost: costOfTokens(tokens, pricePer1k) };
}

/** Searches at their fee; they cost nothing where there is none. */
export function costOfSearches(searches: number, fee: Usd | null): Usd {
  return BigInt(wholeCount(searches)) * (fee ?? 0n);
}

/** The tier of a prompt: long context when it has *more* tokens than the threshold. */
export function tierFor(price: Price, promptTokens: number): Tier {
  return price.longContext !== null && promptTokens > price.longContext.thresholdTokens
    ? "long_context"
    : "standard";
}

/** The prices of a tier; the standard ones where the model has no other. */
export function pricesOf(price: Price, tier: Tier): ClassPrices {
  return tier === "long_context" && price.longContext !== null
    ? price.longContext.prices
    : price.standard;
}

/** Exact, because a price per 1,000 tokens is a multiple of 1,000 counts. Throws on a bad count. */
export function costOfTokens(tokens: number, pricePer1k: Usd): Usd {
  return BigInt(wholeCount(tokens)) * pricePer1k / 1000n;
}

function wholeCount(count: number): number {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`Cannot charge other than a whole count: current value is ${count}`);
  }
  return count;
}
