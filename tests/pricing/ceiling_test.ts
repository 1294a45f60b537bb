import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { affordableOutputTokens, ceilingOf } from "../../shared/pricing/ceiling.ts";
import { chargeFor } from "../../shared/pricing/charge.ts";
import { parseUsd } from "../../shared/pricing/money.ts";
import { parsePrice } from "../../shared/pricing/price.ts";
import { promptTokens } from "../../shared/pricing/usage.ts";
import { markups, priceRows, tokenCounts } from "./arbitraries.ts";

const row = {
  provider_id: "openai",
  model_id: "gpt-4o",
  price_version: 1,
  input_per_1k: "0.0025",
  output_per_1k: "0.01",
};

Deno.test("no charge within the bounds is above the ceiling", () => {
  const slack = fc.nat(100_000);
  fc.assert(fc.property(
    priceRows,
    tokenCounts,
    markups,
    slack,
    slack,
    (row, tokens, markupBasisPoints, moreInput, moreOutput) => {
      const price = parsePrice(row);
      const inputTokensMax = promptTokens(tokens) + moreInput;
      const ceiling = ceilingOf(
        { price, inputTokensMax, markupBasisPoints },
        tokens.output + moreOutput,
      );
      return chargeFor(price, tokens, markupBasisPoints).charge <= ceiling;
    },
  ));
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
