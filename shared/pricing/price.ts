import * as z from "zod/mini";
import { parseUsd, type Usd } from "./money.ts";
import { MEDIA_CLASSES, type MediaClass, TOKEN_CLASSES, type TokenClass } from "./usage.ts";

/** USD per 1,000 tokens of each class, fallbacks already applied. */
export type ClassPrices = Readonly<Record<TokenClass, Usd>>;

/** The price of one model, as it is charged. */
export interface Price {
  readonly providerId: string;
  readonly modelId: string;
  /** For people; the model's id where the catalogue has no better name. */
  readonly displayName: string;
  /** Which version of this price, or `null` where the row did not carry it, as for `updatedAt`. */
  readonly version: number | null;
  /** ISO 8601. A reservation's price carries neither: the reservation names the version. */
  readonly updatedAt: string | null;
  readonly standard: ClassPrices;
  /** Applies to every class of a request whose prompt has more tokens than the threshold. */
  readonly longContext: { readonly thresholdTokens: number; readonly prices: ClassPrices } | null;
  /** USD per 1,000 tokens of sound and images, in both tiers; `null` costs what the class costs. */
  readonly media: Readonly<Record<MediaClass, Usd | null>>;
  /** Charged once a request. */
  readonly requestFee: Usd;
  /** Charged for every search by the provider; `null` where searches are not sold. */
  readonly webSearchFee: Usd | null;
  /** The model's context window, where known. */
  readonly maxInputTokens: number | null;
  readonly maxOutputTokens: number | null;
  /** The most that one image can cost in tokens, where known. */
  readonly imageTokensMax: number | null;
  /** Whether an operator lets users, or guests, use the model: a hint, SQL decides. */
  readonly isAllowed: boolean;
  readonly isAllowedForGuests: boolean;
  /** Part of the output is not shown in the stream, so it cannot be counted as it comes. */
  readonly hidesReasoning: boolean;
}

const absentable = <T extends z.ZodMiniType>(schema: T) => z.optional(z.nullable(schema));
const decimal = z.string();
const count = z.number().check(z.int(), z.gte(0));

/** A row of `pricing_catalogue()`, or `price` of what `reserve` returns. Amounts are decimal strings. */
const PriceRow = z.object({
  provider_id: z.string().check(z.minLength(1)),
  model_id: z.string().check(z.minLength(1)),
  display_name: absentable(z.string()),
  price_version: absentable(z.number().check(z.int())),
  updated_at: absentable(z.string()),
  input_per_1k: decimal,
  output_per_1k: decimal,
  cache_read_per_1k: absentable(decimal),
  cache_write_5m_per_1k: absentable(decimal),
  cache_write_1h_per_1k: absentable(decimal),
  input_audio_per_1k: absentable(decimal),
  input_image_per_1k: absentable(decimal),
  cache_read_audio_per_1k: absentable(decimal),
  output_audio_per_1k: absentable(decimal),
  output_image_per_1k: absentable(decimal),
  request_fee: absentable(decimal),
  web_search_fee: absentable(decimal),
  long_context_threshold_tokens: absentable(count),
  long_input_per_1k: absentable(decimal),
  long_output_per_1k: absentable(decimal),
  long_cache_read_per_1k: absentable(decimal),
  long_cache_write_5m_per_1k: absentable(decimal),
  long_cache_write_1h_per_1k: absentable(decimal),
  max_input_tokens: absentable(count),
  max_output_tokens: absentable(count),
  image_tokens_max: absentable(count),
  hides_reasoning: absentable(z.boolean()),
  allowed: absentable(z.boolean()),
  allowed_for_guests: absentable(z.boolean()),
});
type PriceRow = z.infer<typeof PriceRow>;

/**
 * Reads a price from the ledger's row, once. Later code needs no fallback: every class has a price.
 *
 * @throws when the row has another shape, or an amount that is negative, no decimal, or too fine to
 * be charged exactly (more than 7 decimals per 1,000 tokens).
 */
export function parsePrice(row: unknown): Price {
  const parsed = z.parse(PriceRow, row);
  const threshold = parsed.long_context_threshold_tokens ?? null;
  return {
    providerId: parsed.provider_id,
    modelId: parsed.model_id,
    displayName: parsed.display_name ?? parsed.model_id,
    version: parsed.price_version ?? null,
    updatedAt: parsed.updated_at ?? null,
    standard: classPrices(parsed, ""),
    // A window that ends at the threshold is never passed by one reading of a prompt, only by the sum
    // of several, which each cost the plain price.
    longContext: threshold === null || threshold >= (parsed.max_input_tokens ?? Infinity)
      ? null
      : { thresholdTokens: threshold, prices: classPrices(parsed, "long_") },
    media: mediaPrices(parsed),
    requestFee: notNegative(parsed.request_fee ?? "0", "request_fee"),
    webSearchFee: optional(parsed.web_search_fee, "web_search_fee", notNegative),
    maxInputTokens: parsed.max_input_tokens ?? null,
    maxOutputTokens: parsed.max_output_tokens ?? null,
    imageTokensMax: parsed.image_tokens_max ?? null,
    hidesReasoning: parsed.hides_reasoning ?? false,
    isAllowed: parsed.allowed ?? true,
    isAllowedForGuests: parsed.allowed_for_guests ?? true,
  };
}

/** Reads all rows of `pricing_catalogue()`; throws as `parsePrice` does. */
export function parsePrices(rows: unknown): Price[] {
  return z.parse(z.array(z.unknown()), rows).map(parsePrice);
}

/** The name under which a model is offered: `provider:model`. */
export function modelName(price: Price): string {
  return `${price.providerId}:${price.modelId}`;
}

/**
 * A long-context price falls back to the standard price of its class first; what is then still
 * absent falls back within the tier: cache read → input, 5-minute write → input, 1-hour write →
 * 5-minute write → input.
 */
function classPrices(row: PriceRow, tier: "" | "long_"): ClassPrices {
  const own = (name: TokenClass): Usd | null => {
    const long = tier === "long_" ? row[`long_${name}_per_1k`] : null;
    return optional(long ?? row[`${name}_per_1k`], `${tier}${name}_per_1k`, per1k);
  };
  const [input, cacheRead, cacheWrite5m, cacheWrite1h, output] = TOKEN_CLASSES.map(own);
  const inputPrice = input ?? 0n; // Never absent: the schema requires input and output.
  return {
    input: inputPrice,
    cache_read: cacheRead ?? inputPrice,
    cache_write_5m: cacheWrite5m ?? inputPrice,
    cache_write_1h: cacheWrite1h ?? cacheWrite5m ?? inputPrice,
    output: output ?? 0n,
  };
}

function mediaPrices(row: PriceRow): Price["media"] {
  const [inputAudio, inputImage, cacheReadAudio, outputAudio, outputImage] = MEDIA_CLASSES.map(
    (name) => optional(row[`${name}_per_1k`], `${name}_per_1k`, per1k),
  );
  return {
    input_audio: inputAudio ?? null,
    input_image: inputImage ?? null,
    cache_read_audio: cacheReadAudio ?? null,
    output_audio: outputAudio ?? null,
    output_image: outputImage ?? null,
  };
}

/** An absent price stays absent: it is not zero. */
function optional(
  text: string | null | undefined,
  column: string,
  read: (text: string, column: string) => Usd,
): Usd | null {
  return text === null || text === undefined ? null : read(text, column);
}

function per1k(text: string, column: string): Usd {
  const price = notNegative(text, column);
  if (price % 1000n !== 0n) {
    throw new RangeError(
      `Cannot charge ${column} exactly with more than 7 decimals: current value is ${text}`,
    );
  }
  return price;
}

function notNegative(text: string, column: string): Usd {
  const amount = parseUsd(text);
  if (amount < 0n) {
    throw new RangeError(`Cannot charge a negative ${column}: current value is ${text}`);
  }
  return amount;
}
