import fc from "fast-check";
import { formatUsd } from "../../shared/pricing/money.ts";
import type { Used } from "../../shared/pricing/charge.ts";
import {
  CLASS_OF_MEDIA,
  MEDIA_CLASSES,
  type MediaClass,
  NO_MEDIA,
  type Tokens,
} from "../../shared/pricing/usage.ts";

/** A price per 1,000 tokens as the ledger has it: at most 7 decimals, under $10. */
const per1k = fc.bigInt({ min: 0n, max: 99_999_999n }).map((units) => formatUsd(units * 1000n));
const absentable = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });

/** A row of the catalogue, with any of the optional prices absent. */
export const priceRows = fc.record({
  provider_id: fc.constant("openai"),
  model_id: fc.constant("test-model"),
  price_version: fc.integer({ min: 1, max: 1_000_000 }),
  input_per_1k: per1k,
  output_per_1k: per1k,
  cache_read_per_1k: absentable(per1k),
  cache_write_5m_per_1k: absentable(per1k),
  cache_write_1h_per_1k: absentable(per1k),
  input_audio_per_1k: absentable(per1k),
  input_image_per_1k: absentable(per1k),
  cache_read_audio_per_1k: absentable(per1k),
  output_audio_per_1k: absentable(per1k),
  output_image_per_1k: absentable(per1k),
  web_search_fee: absentable(fc.bigInt({ min: 0n, max: 99_999_999_999n }).map(formatUsd)),
  request_fee: fc.bigInt({ min: 0n, max: 100_000_000_000n }).map(formatUsd),
  long_context_threshold_tokens: absentable(fc.integer({ min: 1, max: 400_000 })),
  max_input_tokens: absentable(fc.integer({ min: 1, max: 600_000 })),
  long_input_per_1k: absentable(per1k),
  long_output_per_1k: absentable(per1k),
  long_cache_read_per_1k: absentable(per1k),
  long_cache_write_5m_per_1k: absentable(per1k),
  long_cache_write_1h_per_1k: absentable(per1k),
});
export type PriceRow = typeof priceRows extends fc.Arbitrary<infer Row> ? Row : never;

const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 500_000 }));

export const tokenCounts: fc.Arbitrary<Tokens> = fc.record({
  input: count,
  cache_read: count,
  cache_write_5m: count,
  cache_write_1h: count,
  output: count,
});

const percent = () => fc.oneof(fc.constant(0), fc.constant(100), fc.nat(100));

/** How much of what is left of its class each kind of media is, in per cent. */
const mediaShares = fc.record(
  {
    input_audio: percent(),
    input_image: percent(),
    cache_read_audio: percent(),
    output_audio: percent(),
    output_image: percent(),
  },
);

/** Tokens with sound and images inside of them, never more than their class, and searches. */
export const usages: fc.Arbitrary<Required<Used>> = fc.record({
  tokens: tokenCounts,
  shares: mediaShares,
  webSearches: fc.oneof(fc.constant(0), fc.nat(50)),
}).map(({ tokens, shares, webSearches }) => {
  const left = { ...tokens };
  const media: Record<MediaClass, number> = { ...NO_MEDIA };
  for (const name of MEDIA_CLASSES) {
    media[name] = Math.floor(left[CLASS_OF_MEDIA[name]] * shares[name] / 100);
    left[CLASS_OF_MEDIA[name]] -= media[name];
  }
  return { tokens, media, webSearches };
});

export const markups = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30_000 }));
