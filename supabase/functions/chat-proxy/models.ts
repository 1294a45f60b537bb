/**
 * `GET /v1/models` and `/v1/models/{id}`: what can be used here, in OpenAI's form, with what it costs.
 */
import type { PriceHint } from "../../../shared/credit/price_cache.ts";
import { addMarkup, formatUsd, type Usd } from "../../../shared/pricing/money.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";

/** The list. Prices are decimal strings in USD, markup included. */
export function modelList(hint: PriceHint, isServed: (providerId: string) => boolean) {
  const served = hint.book.prices.filter((price) => isServed(price.providerId));
  return { object: "list", data: served.map((price) => modelEntry(price, hint)) };
}

/** One entry of the list. */
export function modelEntry(price: Price, hint: PriceHint) {
  return {
    id: modelName(price),
    object: "model",
    created: Math.floor(Date.parse(price.updatedAt ?? "") / 1000) || 0,
    owned_by: price.providerId,
    name: price.displayName,
    pricing: pricing(price, hint.markupBasisPoints),
    context_window: price.maxInputTokens,
    max_output_tokens: price.maxOutputTokens,
  };
}

function pricing(price: Price, markupBasisPoints: number) {
  const per1k = (amount: Usd) => formatUsd(addMarkup(amount, markupBasisPoints));
  return {
    currency: "USD",
    input_per_1k: per1k(price.standard.input),
    output_per_1k: per1k(price.standard.output),
    cache_read_per_1k: per1k(price.standard.cache_read),
  };
}
