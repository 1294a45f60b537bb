/**
 * What a request would cost, before it is made. An estimate: SQL alone charges.
 */
import * as z from "zod/mini";
import type { PriceHint } from "../../../shared/credit/price_cache.ts";
import { findPrice } from "../../../shared/credit/find_price.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import { mayHaveMedia, unpricedFeature } from "../../../shared/llm/beyond_text.ts";
import { ceilingOf } from "../../../shared/pricing/ceiling.ts";
import { chargeFor } from "../../../shared/pricing/charge.ts";
import { formatUsd, type Usd } from "../../../shared/pricing/money.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";
import { ZERO_TOKENS } from "../../../shared/pricing/usage.ts";
import { type PromptReaders, readPrompt } from "./read_prompt.ts";

/** Amounts are decimal strings in USD. `null`: it cannot be known. */
export type Estimate = {
  model: string;
  /** An ordinary answer to this prompt. */
  cost_typical: string;
  /** No charge is higher; null where neither the model nor the request limits the output. */
  cost_max: string | null;
  currency: "USD";
  input_tokens: number;
  output_tokens: number;
  input_tokens_max: number;
  output_tokens_max: number | null;
  price_version: number | null;
  markup_basis_points: number;
};

/** What an ordinary answer has, where nothing limits it to less. */
const OUTPUT_TOKENS_TYPICAL = 500;
const TOKENS_MAX = 100_000_000;

const tokenCount = (name: string, min: number) =>
  z.optional(
    z.nullable(
      z.int(`${name} must be a whole number`).check(
        z.minimum(min, `${name} must be at least ${min}`),
        z.maximum(TOKENS_MAX, `${name} must be at most ${TOKENS_MAX}`),
      ),
    ),
  );

const EstimateRequest = z.looseObject({
  model: z.string("model must be a name such as openai:gpt-4o").check(
    z.minLength(1),
    z.maxLength(300),
  ),
  input_tokens: tokenCount("input_tokens", 0),
  max_tokens: tokenCount("max_tokens", 1),
  max_completion_tokens: tokenCount("max_completion_tokens", 1),
});

/**
 * Estimates a request: a body of any API with its `model`, or `{model, input_tokens, max_tokens?}`;
 * parsed but unchecked.
 */
export async function estimate(
  body: unknown,
  hint: PriceHint,
  readers: PromptReaders,
): Promise<Estimate | Refusal> {
  const parsed = EstimateRequest.safeParse(body);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const param = path[0] === undefined ? undefined : String(path[0]);
    return {
      code: "INVALID_REQUEST",
      message: param === undefined ? "The body must be a JSON object." : `${message}.`,
      ...(param !== undefined && { param }),
    };
  }
  const price = findPrice(hint.book, parsed.data.model);
  if (isRefusal(price)) return price;
  const bounds = await boundsOf(parsed.data, price, hint, readers);
  return isRefusal(bounds) ? bounds : estimateWithin(bounds, price, hint.markupBasisPoints);
}

/** How much a request may use: what it does in an ordinary case, and the most that `reserve` holds. */
type Bounds = {
  inputTokens: number;
  inputTokensMax: number;
  outputTokensLimit: number | null;
  webSearches: number;
  webSearchesMax: number;
  withMedia: boolean;
  fallbackPrices: readonly Price[];
};

function estimateWithin(bounds: Bounds, price: Price, markupBasisPoints: number): Estimate {
  const { inputTokens, inputTokensMax, webSearches } = bounds;
  const outputMax = Math.min(
    bounds.outputTokensLimit ?? Infinity,
    price.maxOutputTokens ?? Infinity,
  );
  const outputTypical = Math.min(OUTPUT_TOKENS_TYPICAL, outputMax);
  const tokens = { ...ZERO_TOKENS, input: inputTokens, output: outputTypical };
  const typical: Usd = chargeFor(price, { tokens, webSearches }, markupBasisPoints).charge;
  return {
    model: modelName(price),
    cost_typical: formatUsd(typical),
    cost_max: outputMax === Infinity
      ? null
      : formatUsd(ceilingOf({ ...bounds, price, markupBasisPoints }, outputMax)),
    currency: "USD",
    input_tokens: inputTokens,
    output_tokens: outputTypical,
    input_tokens_max: inputTokensMax,
    output_tokens_max: outputMax === Infinity ? null : outputMax,
    price_version: price.version,
    markup_basis_points: markupBasisPoints,
  };
}

async function boundsOf(
  body: z.infer<typeof EstimateRequest>,
  price: Price,
  hint: PriceHint,
  readers: PromptReaders,
): Promise<Bounds | Refusal> {
  const { input_tokens } = body;
  if (input_tokens !== undefined && input_tokens !== null) {
    return {
      inputTokens: input_tokens,
      inputTokensMax: input_tokens,
      outputTokensLimit: body.max_completion_tokens ?? body.max_tokens ?? null,
      webSearches: 0,
      webSearchesMax: 0,
      withMedia: mayHaveMedia({ features: [], hidesInput: false }, [price]),
      fallbackPrices: [],
    };
  }
  const read = await readPrompt(body, body.model, readers);
  if (isRefusal(read)) return read;
  const { request, prompts } = read;
  const prices = [price];
  for (const name of request.fallbackModels) {
    const other = findPrice(hint.book, name);
    if (isRefusal(other)) return other;
    prices.push(other);
  }
  for (const candidate of prices) {
    const unpriced = unpricedFeature(request, candidate);
    if (unpriced !== null) return { code: "INVALID_REQUEST", message: unpriced };
  }
  const max = prompts.inputTokensMax(request, price);
  return {
    inputTokens: Math.min(max, prompts.inputTokensEstimate(request, price)),
    inputTokensMax: Math.max(...prices.map((each) => prompts.inputTokensMax(request, each))),
    outputTokensLimit: request.outputTokensLimit,
    webSearches: request.webSearchesMin ?? 0,
    webSearchesMax: request.webSearchesMax,
    withMedia: mayHaveMedia(request, prices),
    fallbackPrices: prices.slice(1),
  };
}
