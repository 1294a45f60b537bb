/**
 * What a sync would do to each model, and what it holds back. Pure: reads no clock, writes nothing.
 */
import type { PriceChange, PriceRow } from "../../shared/credit/prices.ts";
import { formatUsd } from "../../shared/pricing/money.ts";
import { type Catalogue, type CatalogueModel, findModel } from "./catalogue.ts";
import { dearest, type ListedColumns, toColumns } from "./convert.ts";
import { type Change, difference, type Doubt, doubtsOf, type Kept, THRESHOLD } from "./diff.ts";
import { effectivePrices } from "./effective.ts";
import { namesOf } from "./providers.ts";
import { hidesReasoning } from "./reasoning.ts";
import { type Disagreement, openRouterHint, type SecondSource } from "./second_source.ts";

/** Rows with this `source` were set by hand, and no sync touches them unasked. */
export const OPERATOR = "operator";

/** Why a change waits for `--accept`. */
export type Hold =
  | Doubt
  | { readonly kind: "second_source"; readonly disagreement: Disagreement }
  | { readonly kind: "operator" };

/** A price that is announced: what will change at the start of a day (UTC). */
export interface Coming {
  readonly from: string;
  readonly changes: readonly Change[];
}

export interface PricePlan {
  /** `provider:model`. */
  readonly name: string;
  readonly isNew: boolean;
  /** The catalogue's name of it, where that is another. */
  readonly pricedAs: string | null;
  readonly changes: readonly Change[];
  readonly kept: readonly Kept[];
  readonly coming: readonly Coming[];
  readonly holds: readonly Hold[];
  readonly isAccepted: boolean;
  /** OpenRouter's other opinion, for the reader. */
  readonly hints: readonly Disagreement[];
  /** What to write once it may be; `null` where there is nothing to change. */
  readonly write: PriceChange | null;
}

/** A model whose price cannot be told from the catalogue, and why. */
export interface Unpriced {
  readonly name: string;
  readonly isNew: boolean;
  readonly reason: string;
}

export interface Plan {
  readonly source: string;
  readonly prices: readonly PricePlan[];
  readonly unpriced: readonly Unpriced[];
}

/** One model to look at; `row` is null for a model that is not sold yet. */
export interface Candidate {
  readonly providerId: string;
  readonly modelId: string;
  readonly row: PriceRow | null;
}

export interface PlanInput {
  readonly catalogue: Catalogue;
  readonly candidates: readonly Candidate[];
  /** All that is sold already, looked at or not. */
  readonly sold: readonly PriceRow[];
  readonly secondSource: SecondSource | null;
  /** Names for which holds do not count. */
  readonly accepted: ReadonlySet<string>;
  readonly now: Date;
}

/** Plans a sync. Nothing that is held back or unpriced keeps the rest from being written. */
export function planPrices(input: PlanInput): Plan {
  const planned = input.candidates.map((candidate) => planOne(input, candidate));
  return {
    source: input.catalogue.name,
    prices: planned.filter((plan) => "changes" in plan),
    unpriced: planned.filter((plan) => "reason" in plan),
  };
}

/** What a sync writes now: every change that nothing holds back. */
export function writesOf(plan: Plan): PriceChange[] {
  return plan.prices.flatMap((price) =>
    price.write !== null && !isHeld(price) ? [price.write] : []
  );
}

/** Something holds the change back, the operator's own hand included. */
export function isHeld(price: PricePlan): boolean {
  return price.write !== null && price.holds.length > 0 && !price.isAccepted;
}

/** Held back because it looks wrong. What the operator set by hand waits too, but is no alarm. */
export function isQuarantined(price: PricePlan): boolean {
  return isHeld(price) && !price.holds.some((hold) => hold.kind === "operator");
}

function planOne(input: PlanInput, candidate: Candidate): PricePlan | Unpriced {
  const { catalogue, now } = input;
  const { providerId, modelId, row } = candidate;
  const name = `${providerId}:${modelId}`;
  const isNew = row === null;
  const theirs = namesOf(providerId).catalogue;
  const isKnown = theirs !== null && catalogue.provider(theirs) !== undefined;
  const model = isKnown ? findModel(catalogue, theirs, modelId) : undefined;
  if (model === undefined) {
    const reason = isKnown ? "the catalogue lacks it" : `the catalogue lacks ${providerId}`;
    return { name, isNew, reason };
  }
  const effective = effectivePrices(model, now);
  const listed = dearest(effective.today);
  if (listed.kind === "unusable") return { name, isNew, reason: listed.reason };

  const ours = row === null ? null : columnsOf(row);
  const { changes, kept } = difference(ours, listed.columns);
  const write = changes.length === 0 ? null : writeOf(input, candidate, model, changes);
  const disagreements = input.secondSource?.compare(providerId, modelId, listed.columns) ?? [];
  const holds: Hold[] = write === null ? [] : [
    ...(row?.source === OPERATOR ? [{ kind: "operator" } as const] : []),
    ...doubtsOf(ours, changes),
    ...disagreements.map((disagreement) => ({ kind: "second_source", disagreement } as const)),
  ];
  return {
    name,
    isNew,
    pricedAs: model.id === modelId ? null : model.id,
    changes,
    kept,
    coming: comingOf(effective.coming, listed.columns),
    holds,
    isAccepted: input.accepted.has(name),
    hints: write === null
      ? []
      : openRouterHint(catalogue, providerId, modelId, listed.columns, now),
    write,
  };
}

/** A row as the catalogue would say it. */
export function columnsOf(row: Pick<PriceRow, "amounts" | "limits">): ListedColumns {
  return { amounts: row.amounts, thresholdTokens: row.limits.long_context_threshold_tokens };
}

function writeOf(
  { catalogue, sold }: PlanInput,
  { providerId, modelId, row }: Candidate,
  model: CatalogueModel,
  changes: readonly Change[],
): PriceChange {
  const columns = changes.map(({ column, to }) => [
    column,
    column === THRESHOLD ? Number(to) : formatUsd(to),
  ]);
  return {
    provider_id: providerId,
    model_id: modelId,
    expected_version: row?.version ?? null,
    source: catalogue.name,
    // What a model can hold and how it reasons is the operator's knowledge once it is sold.
    ...(row === null && {
      display_name: (model.name ?? modelId).slice(0, 200).trim(),
      hides_reasoning: hidesReasoning(modelId),
      max_input_tokens: model.context_window ?? null,
      image_tokens_max: imageTokensMax(sold, modelId),
    }),
    ...Object.fromEntries(columns),
  };
}

/**
 * The dearest image of a model, from where the same one is sold already: how it sees is the model's,
 * not its seller's. The catalogue does not say it; `null` where nobody else has it either.
 */
function imageTokensMax(sold: readonly PriceRow[], modelId: string): number | null {
  const known = sold.filter((row) => row.modelId === modelId)
    .map((row) => row.limits.image_tokens_max).filter((tokens) => tokens !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function comingOf(
  announced: ReturnType<typeof effectivePrices>["coming"],
  today: ListedColumns,
): Coming[] {
  return announced.flatMap(({ from, prices }) => {
    const converted = toColumns(prices);
    if (converted.kind === "unusable") return [];
    const { changes } = difference(today, converted.columns);
    return changes.length === 0 ? [] : [{ from, changes }];
  });
}
