/** A plan as a script reads it. Amounts are decimal strings, in the units of `model_pricing`. */
import { formatUsd } from "../../shared/pricing/money.ts";
import { type Change, THRESHOLD } from "./diff.ts";
import { type Hold, isHeld, isQuarantined, type Plan, type PricePlan } from "./plan.ts";
import type { Disagreement } from "./second_source.ts";
import { changeFactor, holdText } from "./wording.ts";

/** What a sync makes of a model. */
export type PriceState = "unchanged" | "change" | "new" | "quarantined" | "operator";

/** Where a plan's price stands. */
export function stateOf(price: PricePlan): PriceState {
  if (price.write === null) return "unchanged";
  if (isQuarantined(price)) return "quarantined";
  if (isHeld(price)) return "operator";
  return price.isNew ? "new" : "change";
}

/** The plan's own part of `--json`. */
export function planJson(plan: Plan) {
  return {
    source: plan.source,
    models: plan.prices.map((price) => ({
      model: price.name,
      state: stateOf(price),
      priced_as: price.pricedAs,
      changes: price.changes.map(changeJson),
      kept: price.kept.map(({ column, value }) => ({ column, value: text(column, value) })),
      coming: price.coming.map(({ from, changes }) => ({ from, changes: changes.map(changeJson) })),
      held_because: isHeld(price) ? price.holds.map(holdJson) : [],
      openrouter: price.hints.map(disagreementJson),
    })),
    not_taken_over: plan.unpriced.map(({ name, reason }) => ({ model: name, reason })),
  };
}

function changeJson(change: Change) {
  const { column, from, to } = change;
  return {
    column,
    from: from === null ? null : text(column, from),
    to: text(column, to),
    factor: from === null ? null : changeFactor(change).slice(1),
  };
}

function holdJson(hold: Hold) {
  return { reason: hold.kind, message: holdText(hold, "1k") };
}

function disagreementJson({ column, catalogue, other }: Disagreement) {
  return { column, catalogue: formatUsd(catalogue), other };
}

function text(column: Change["column"], value: bigint): string {
  return column === THRESHOLD ? value.toString() : formatUsd(value);
}
