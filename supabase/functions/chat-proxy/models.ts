/**
 * `GET /v1/models`: what can be used here, in OpenAI's list, with what it costs.
 */
import type { PriceHint } from "../../../shared/credit/price_cache.ts";
import { addMarkup, formatUsd, type Usd } from "../../../shared/pricing/money.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";

/** The list, of the models whose provider is enabled. Prices are decimal strings, markup included. */
export function modelList(
  hint: PriceHint,
  isEnabled: (providerId: string) => boolean,
) {
  return {
    object: "list",
    data: hint.book.prices.filter((price) => isEnabled(price.providerId)).map((
      price,
    ) => ({
      id: modelName(price),
      object: "model",
      created: 0,
      owned_by: price.providerId,
      name: price.displayName,
      pricing: pricing(price, hint.markupBasisPoints),
      context_window: price.maxInputTokens,
      max_output_tokens: price.maxOutputTokens,
    })),
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
