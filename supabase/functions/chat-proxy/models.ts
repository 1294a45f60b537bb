/**
 * The models that can be used here, with what they cost: `GET /v1/models` and `/v1/models/{id}` in
 * OpenAI's form, or in Anthropic's or Google's, for their SDKs.
 */
import type { PriceHint } from "../../../shared/credit/price_cache.ts";
import type { Caller } from "../../../shared/edge/identify.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { DialectName } from "../../../shared/llm/dialect.ts";
import { findProvider } from "../../../shared/llm/providers.ts";
import { addMarkup, formatUsd, type Usd } from "../../../shared/pricing/money.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";

/** A model that is served, and the APIs over which it can be asked. */
export type ServedModel = { price: Price; dialects: readonly DialectName[] };

/** Whether the caller may use a model, as far as the catalogue tells: `reserve` decides. */
export function mayUse(caller: Caller, price: Price): boolean {
  return caller.kind === "guest" ? price.isAllowedForGuests : price.isAllowed;
}

/** What to say of a model that has a price and may not be used. */
export function notAllowed(price: Price): Refusal {
  const model = modelName(price);
  return {
    code: "MODEL_NOT_ALLOWED",
    message: `${model} is not among the models that can be used here. GET /v1/models lists those.`,
    model,
  };
}

/** Whose list it is. */
export type ListForm = "openai" | "anthropic" | "gemini";

/** The form that the asking SDK reads: Google's has a path or its key's header, Anthropic's a header. */
export function listFormOf(request: Request, path: string): ListForm {
  if (/^\/v1(beta|alpha)\//.test(path) || request.headers.has("x-goog-api-key")) return "gemini";
  return request.headers.has("anthropic-version") ? "anthropic" : "openai";
}

/** The list. Prices are decimal strings in USD, markup included. */
export function modelList(served: readonly ServedModel[], hint: PriceHint, form: ListForm) {
  const data = served.map((model) => modelEntry(model, hint, form));
  switch (form) {
    case "openai":
      return { object: "list", data };
    case "anthropic": {
      const ids = served.map(({ price }) => modelName(price));
      return { data, has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
    }
    case "gemini":
      return { models: data };
  }
}

/** One entry of the list; `dialects` are the APIs over which the model can be asked. */
export function modelEntry({ price, dialects }: ServedModel, hint: PriceHint, form: ListForm) {
  const id = modelName(price);
  const common = {
    pricing: pricing(price, hint.markupBasisPoints),
    dialects,
    stops_billing_on_abort: stopsBillingOnAbort(price),
  };
  switch (form) {
    case "openai":
      return {
        id,
        object: "model",
        created: Math.floor(Date.parse(price.updatedAt ?? "") / 1000) || 0,
        owned_by: price.providerId,
        name: price.displayName,
        context_window: price.maxInputTokens,
        max_output_tokens: price.maxOutputTokens,
        ...common,
      };
    case "anthropic":
      return {
        type: "model",
        id,
        display_name: price.displayName,
        created_at: price.updatedAt ?? new Date(0).toISOString(),
        max_input_tokens: price.maxInputTokens,
        max_tokens: price.maxOutputTokens,
        ...common,
      };
    case "gemini":
      return {
        name: `models/${id}`,
        displayName: price.displayName,
        ...(price.maxInputTokens !== null && { inputTokenLimit: price.maxInputTokens }),
        ...(price.maxOutputTokens !== null && { outputTokenLimit: price.maxOutputTokens }),
        supportedGenerationMethods: dialects.includes("gemini")
          ? ["generateContent", "streamGenerateContent"]
          : [],
        ...common,
      };
  }
}

/**
 * Whether hanging up saves what was not yet written. Elsewhere the provider bills the answer to its
 * end, or for thoughts that only its report counts, and so it is charged.
 */
function stopsBillingOnAbort({ providerId, hidesReasoning }: Price): boolean {
  return findProvider(providerId).abortPolicy === "abort" && !hidesReasoning;
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
