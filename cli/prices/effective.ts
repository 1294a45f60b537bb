/** Which of a model's listed prices count today. Pure: `now` is passed in. */
import type { CatalogueModel, ListPrices } from "./catalogue.ts";

export interface EffectivePrices {
  /**
   * What can be asked for a request today: one price list, or several where the price depends on the
   * time of day. Empty where every price is still to come.
   */
  readonly today: readonly ListPrices[];
  /** Announced, soonest first; not in force yet. */
  readonly coming: readonly { readonly from: string; readonly prices: ListPrices }[];
}

/**
 * Of several conditional prices the last one whose condition holds counts, as in the catalogue. A
 * date begins at midnight UTC. A price for hours of the day may hold now or later today, so it counts
 * beside the one that it interrupts.
 */
export function effectivePrices(model: CatalogueModel, now: Date): EffectivePrices {
  if (!Array.isArray(model.prices)) return { today: [model.prices], coming: [] };
  const today: ListPrices[] = [];
  const coming: { from: string; prices: ListPrices }[] = [];
  let isCovered = false;
  for (const { constraint, prices } of model.prices.toReversed()) {
    if (isCovered) break;
    if (constraint && "start_date" in constraint) {
      if (now < new Date(`${constraint.start_date}T00:00:00Z`)) {
        coming.push({ from: constraint.start_date, prices });
        continue;
      }
    }
    today.push(prices);
    isCovered = !constraint || "start_date" in constraint;
  }
  return { today, coming: coming.sort((a, b) => (a.from < b.from ? -1 : 1)) };
}
