/**
 * What a request would cost, before it is made. An estimate: SQL alone charges.
 */
import * as z from "zod/mini";
import type { PriceHint } from "../../../shared/credit/price_cache.ts";
import { findPrice } from "../../../shared/credit/find_price.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { Dialect } from "../../../shared/llm/dialect.ts";
import { ceilingOf } from "../../../shared/pricing/ceiling.ts";
import { chargeFor } from "../../../shared/pricing/charge.ts";
import { formatUsd, type Usd } from "../../../shared/pricing/money.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";
import { ZERO_TOKENS } from "../../../shared/pricing/usage.ts";

/** The part of a dialect that bounds a prompt. */
export type PromptReader = Pick<
  Dialect,
  "readRequest" | "inputTokensMax" | "inputTokensEstimate"
>;

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

/** Estimates a request: `{model, messages | input_tokens, max_tokens?}`, parsed but unchecked. */
export function estimate(
  body: unknown,
  hint: PriceHint,
  prompts: PromptReader,
): Estimate | Refusal {
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
  const request = parsed.data;
  const price = findPrice(hint.book, request.model);
  if ("code" in price) return price;
  const input = inputTokens(request, price, prompts);
  if ("code" in input) return input;

  const asked = request.max_completion_tokens ?? request.max_tokens ?? Infinity;
  const outputMax = Math.min(asked, price.maxOutputTokens ?? Infinity);
  const outputTypical = Math.min(OUTPUT_TOKENS_TYPICAL, outputMax);
  const { markupBasisPoints } = hint;
  const typical: Usd = chargeFor(
    price,
    { tokens: { ...ZERO_TOKENS, input: input.typical, output: outputTypical } },
    markupBasisPoints,
  ).charge;
  const bounds = { price, inputTokensMax: input.max, markupBasisPoints };
  return {
    model: modelName(price),
    cost_typical: formatUsd(typical),
    cost_max: outputMax === Infinity ? null : formatUsd(ceilingOf(bounds, outputMax)),
    currency: "USD",
    input_tokens: input.typical,
    output_tokens: outputTypical,
    input_tokens_max: input.max,
    output_tokens_max: outputMax === Infinity ? null : outputMax,
    price_version: price.version,
    markup_basis_points: markupBasisPoints,
  };
}

function inputTokens(
  request: z.infer<typeof EstimateRequest>,
  price: Price,
  prompts: PromptReader,
): { typical: number; max: number } | Refusal {
  if (request.input_tokens !== undefined && request.input_tokens !== null) {
    return { typical: request.input_tokens, max: request.input_tokens };
  }
  if (request.messages === undefined) {
    return {
      code: "INVALID_REQUEST",
      message: "Send either messages, as in a chat completion, or input_tokens.",
      param: "messages",
    };
  }
  const read = prompts.readRequest(request);
  if (read.kind === "fault") {
    return {
      code: "INVALID_REQUEST",
      message: read.message,
      ...(read.param !== null && { param: read.param }),
    };
  }
  const max = prompts.inputTokensMax(read, price);
  return { typical: Math.min(max, prompts.inputTokensEstimate(read, price)), max };
}
