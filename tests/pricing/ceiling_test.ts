import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { affordableOutputTokens, ceilingOf } from "../../shared/pricing/ceiling.ts";
import { chargeFor } from "../../shared/pricing/charge.ts";
import { parseUsd } from "../../shared/pricing/money.ts";
import { parsePrice } from "../../shared/pricing/price.ts";
import { promptTokens } from "../../shared/pricing/usage.ts";
import { markups, priceRows, usages } from "./arbitraries.ts";

const row = {
  provider_id: "openai",
  model_id: "gpt-4o",
  price_version: 1,
  input_per_1k: "0.0025",
  output_per_1k: "0.01",
};

Deno.test("no charge within the bounds is above the ceiling, whichever candidate answers, with media and searches or without", () => {
  const slack = fc.nat(100_000);
  fc.assert(fc.property(
    fc.array(priceRows, { minLength: 1, maxLength: 3 }),
    usages,
    markups,
    slack,
    slack,
    (rows, used, markupBasisPoints, moreInput, moreOutput) => {
      const [price, ...fallbackPrices] = rows.map(parsePrice);
      const { tokens, media, webSearches } = used;
      const bounds = {
        price: price!,
        fallbackPrices,
        inputTokensMax: promptTokens(tokens) + moreInput,
        withMedia: Object.values(media).some((count) => count > 0),
        webSearchesMax: webSearches,
        markupBasisPoints,
      };
      const ceiling = ceilingOf(bounds, tokens.output + moreOutput);
      return [price!, ...fallbackPrices].every((answering) =>
        chargeFor(answering, used, markupBasisPoints).charge <= ceiling
      );
    },
  ));
});

Deno.test("the ceiling of several candidates is that of the dearest, and affords what the dearest does", () => {
  const cheap = parsePrice(row);
  const dear = parsePrice({ ...row, input_per_1k: "0.0001", output_per_1k: "0.02" });
  const bounds = { price: cheap, inputTokensMax: 1000, markupBasisPoints: 0 };
  const both = { ...bounds, fallbackPrices: [dear] };
  // Few tokens out: the dear prompt decides. Many: the dear output does.
  assertEquals(ceilingOf(both, 1), ceilingOf(bounds, 1));
  assertEquals(ceilingOf(both, 1000), ceilingOf({ ...bounds, price: dear }, 1000));
  assertEquals(affordableOutputTokens(both, parseUsd("0.0101")), 500);
});

Deno.test("media and searches raise the ceiling only where they are asked for", () => {
  const price = parsePrice({
    ...row,
    input_audio_per_1k: "0.04",
    output_audio_per_1k: "0.08",
    web_search_fee: "0.01",
  });
  const bounds = { price, inputTokensMax: 1000, markupBasisPoints: 0 };
  assertEquals(ceilingOf(bounds, 1000), parseUsd("0.0125"));
  assertEquals(ceilingOf({ ...bounds, withMedia: true }, 1000), parseUsd("0.12"));
  assertEquals(ceilingOf({ ...bounds, webSearchesMax: 3 }, 1000), parseUsd("0.0425"));
});

Deno.test("the affordable output is the most that fits: one token more is above the balance", () => {
  const available = fc.bigInt({ min: 0n, max: parseUsd("100000") });
  fc.assert(fc.property(
    priceRows,
    fc.nat(200_000),
    markups,
    available,
    (row, inputTokensMax, markupBasisPoints, available) => {
      const bounds = { price: parsePrice(row), inputTokensMax, markupBasisPoints };
      const tokens = affordableOutputTokens(bounds, available);
      if (tokens === null) return ceilingOf(bounds, 0) > available;
      if (tokens === Number.MAX_SAFE_INTEGER) return ceilingOf(bounds, tokens) <= available;
      return ceilingOf(bounds, tokens) <= available && ceilingOf(bounds, tokens + 1) > available;
    },
  ));
});

Deno.test("a balance for 60 tokens affords exactly 60 tokens", () => {
  const bounds = { price: parsePrice(row), inputTokensMax: 100, markupBasisPoints: 0 };
  assertEquals(affordableOutputTokens(bounds, parseUsd("0.00085")), 60);
  assertEquals(affordableOutputTokens(bounds, parseUsd("0.00025")), 0);
  assertEquals(affordableOutputTokens(bounds, parseUsd("0.0002499999")), null);
});

Deno.test("free output is affordable without bound, on a free model even with nothing", () => {
  const price = parsePrice({ ...row, input_per_1k: "0", output_per_1k: "0" });
  const bounds = { price, inputTokensMax: 100, markupBasisPoints: 500 };
  assertEquals(affordableOutputTokens(bounds, 0n), Number.MAX_SAFE_INTEGER);
});
