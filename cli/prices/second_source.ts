/**
 * A second opinion on prices: a file in LiteLLM's format, USD per token by model. It changes no price;
 * where it disagrees, the price is held back. OpenRouter's rows in the catalogue are a hint for the
 * reader only: they are older than the makers' rows in places, and for open models the cheapest
 * host's, so a disagreement with them says little.
 */
import * as z from "zod/mini";
import type { PriceAmount } from "../../shared/credit/prices.ts";
import { formatUsd, type Usd } from "../../shared/pricing/money.ts";
import { BadArgument } from "../arguments.ts";
import { type Catalogue, findModel } from "./catalogue.ts";
import { dearest, type ListedColumns } from "./convert.ts";
import { differsByOverOnePercent, shiftedDecimal } from "./decimal.ts";
import { effectivePrices } from "./effective.ts";
import { namesOf } from "./providers.ts";
import { readJson } from "./read_json.ts";

/** USD per token, by our column. A tier's price is read where its threshold is the catalogue's. */
const FIELDS: { readonly [amount in PriceAmount]?: string } = {
  input_per_1k: "input_cost_per_token",
  output_per_1k: "output_cost_per_token",
  cache_read_per_1k: "cache_read_input_token_cost",
  cache_write_5m_per_1k: "cache_creation_input_token_cost",
  cache_write_1h_per_1k: "cache_creation_input_token_cost_above_1hr",
  input_audio_per_1k: "input_cost_per_audio_token",
  input_image_per_1k: "input_cost_per_image_token",
  output_audio_per_1k: "output_cost_per_audio_token",
  output_image_per_1k: "output_cost_per_image_token",
};
const LONG_FIELDS: { readonly [amount in PriceAmount]?: string } = {
  long_input_per_1k: "input_cost_per_token",
  long_output_per_1k: "output_cost_per_token",
  long_cache_read_per_1k: "cache_read_input_token_cost",
  long_cache_write_5m_per_1k: "cache_creation_input_token_cost",
  long_cache_write_1h_per_1k: "cache_creation_input_token_cost_above_1hr",
};

const Entry = z.looseObject({ litellm_provider: z.optional(z.string()) });
const File = z.record(z.string(), Entry);

/** A column that the second source prices otherwise, both USD per 1,000 tokens. */
export interface Disagreement {
  readonly column: PriceAmount;
  readonly catalogue: Usd;
  /** Decimal text: it may be finer than money is. */
  readonly other: string;
}

export interface SecondSource {
  /** Every column that both price, and not within 1 %; `null` where it does not have the model. */
  compare(
    providerId: string,
    modelId: string,
    listed: ListedColumns,
  ): readonly Disagreement[] | null;
}

/** Reads a file of LiteLLM's format (its `model_prices_and_context_window.json`), or a URL of one. */
export async function openSecondSource(place: string): Promise<SecondSource> {
  const parsed = z.safeParse(File, await readJson("second source", place));
  if (!parsed.success) {
    throw new BadArgument(
      `${place} is not a price list in LiteLLM's format, so nothing was done: it must be an object ` +
        'such as {"gpt-4o": {"input_cost_per_token": 2.5e-6, "litellm_provider": "openai"}}.',
    );
  }
  const entries = parsed.data;
  return {
    compare(providerId, modelId, listed) {
      const theirs = namesOf(providerId).liteLlm;
      const entry = [`${theirs}/${modelId}`, modelId]
        .map((key) => Object.hasOwn(entries, key) ? entries[key] : undefined)
        .find((entry) =>
          entry !== undefined && [theirs, undefined].includes(entry.litellm_provider)
        );
      return entry === undefined ? null : disagreements(entry, listed);
    },
  };
}

/** Amounts are compared at 10^-20 USD, as a price per token may be finer than a charge. */
const COMPARED_DECIMALS = 20;

function disagreements(
  entry: Readonly<Record<string, unknown>>,
  { amounts, thresholdTokens }: ListedColumns,
): Disagreement[] {
  const tier = `_above_${Math.round((thresholdTokens ?? 0) / 1000)}k_tokens`;
  const fields = [
    ...Object.entries(FIELDS),
    ...Object.entries(LONG_FIELDS).map(([column, field]) => [column, field + tier] as const),
  ] as (readonly [PriceAmount, string])[];
  return fields.flatMap(([column, field]) => {
    const [catalogue, perToken] = [amounts[column], entry[field]];
    if (catalogue === null || typeof perToken !== "number" || !(perToken >= 0)) return [];
    const other = shiftedDecimal(perToken, -3);
    const differs = differsByOverOnePercent(fine(formatUsd(catalogue)), fine(other));
    return differs ? [{ column, catalogue, other }] : [];
  });
}

function fine(text: string): bigint {
  const [whole = "0", decimals = ""] = text.split(".");
  return BigInt(whole + decimals.slice(0, COMPARED_DECIMALS).padEnd(COMPARED_DECIMALS, "0"));
}

/** Where the catalogue's copy of OpenRouter sells the very model otherwise; for the reader only. */
export function openRouterHint(
  catalogue: Catalogue,
  providerId: string,
  modelId: string,
  listed: ListedColumns,
  now: Date,
): readonly Disagreement[] {
  const maker = namesOf(providerId).openRouter;
  if (maker === null) return [];
  // Anthropic writes claude-haiku-4-5 where OpenRouter writes claude-haiku-4.5.
  const model = [modelId, modelId.replace(/(\d)-(\d)(?!\d)/g, "$1.$2")]
    .map((id) => findModel(catalogue, "openrouter", `${maker}/${id}`))
    .find((found) => found?.id.startsWith(`${maker}/`));
  if (model === undefined) return [];
  const theirs = dearest(effectivePrices(model, now).today);
  if (theirs.kind === "unusable") return [];
  return (["input_per_1k", "output_per_1k"] as const).flatMap((column) => {
    const [own, other] = [listed.amounts[column], theirs.columns.amounts[column]];
    if (own === null || other === null || !differsByOverOnePercent(own, other)) return [];
    return [{ column, catalogue: own, other: formatUsd(other) }];
  });
}
