import { addMarkup, type Usd } from "./money.ts";
import type { ClassPrices, Price } from "./price.ts";
import { promptTokens, TOKEN_CLASSES, type TokenClass, type Tokens } from "./usage.ts";

/** Which of a model's prices apply to a request. */
export type Tier = "standard" | "long_context";

/** One class of tokens on a receipt. */
export interface ChargeLine {
  readonly class: TokenClass;
  readonly tokens: number;
  readonly pricePer1k: Usd;
  readonly cost: Usd;
}

/** What a request costs, and why. `charge` is what leaves the balance. */
export interface Charge {
  readonly tier: Tier;
  /** The classes that were used, input first. A class without tokens has no line. */
  readonly lines: readonly ChargeLine[];
  readonly requestFee: Usd;
  /** Sum of the lines and the fee; exact. */
  readonly cost: Usd;
  readonly markupBasisPoints: number;
  /** The cost with the markup, rounded up at the tenth decimal. */
  readonly charge: Usd;
}

/**
 * Charges tokens at a price: the same arithmetic as `billing.cost_of` in SQL, to the last decimal
 * (`tests/db/charge_equality_test.ts`). SQL charges; this estimates and explains.
 *
 * @param markupBasisPoints whole, 0 or more; 100 is one per cent.
 * @throws RangeError when a count is negative or not whole: a meter's fault, not a caller's.
 */
export function chargeFor(price: Price, tokens: Tokens, markupBasisPoints: number): Charge {
  const tier = tierFor(price, promptTokens(tokens));
  const prices = pricesOf(price, tier);
  const lines = TOKEN_CLASSES.filter((name) => tokens[name] !== 0).map((name) => ({
    class: name,
    tokens: tokens[name],
    pricePer1k: prices[name],
    cost: costOfTokens(tokens[name], prices[name]),
  }));
  const cost = lines.reduce((sum, line) => sum + line.cost, price.requestFee);
  const charge = addMarkup(cost, markupBasisPoints);
  return { tier, lines, requestFee: price.requestFee, cost, markupBasisPoints, charge };
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
  if (!Number.isSafeInteger(tokens) || tokens < 0) {
    throw new RangeError(
      `Cannot charge other than a whole number of tokens: current value is ${tokens}`,
    );
  }
  return BigInt(tokens) * pricePer1k / 1000n;
}
