import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { chargeFor } from "../../shared/pricing/charge.ts";
import { formatUsd, parseUsd } from "../../shared/pricing/money.ts";
import { parsePrice } from "../../shared/pricing/price.ts";
import { NO_MEDIA, TOKEN_CLASSES, ZERO_TOKENS } from "../../shared/pricing/usage.ts";
import { markups, priceRows, tokenCounts, usages } from "./arbitraries.ts";

const row = {
  provider_id: "openai",
  model_id: "gpt-4o",
  price_version: 1,
  input_per_1k: "0.0025",
  output_per_1k: "0.01",
  cache_read_per_1k: "0.00125",
};

Deno.test("lesson 28: a chat of 11 input and 9 output tokens of gpt-4o costs exactly $0.0001175", () => {
  const charge = chargeFor(
    parsePrice(row),
    { tokens: { ...ZERO_TOKENS, input: 11, output: 9 } },
    0,
  );
  assertEquals(formatUsd(charge.charge), "0.0001175");
  assertEquals(charge.lines.map((line) => [line.class, line.tokens, formatUsd(line.cost)]), [
    ["input", 11, "0.0000275"],
    ["output", 9, "0.00009"],
  ]);
});

Deno.test("the cost is the sum of its lines, searches and the fee, and the charge is never below the cost", () => {
  fc.assert(fc.property(priceRows, usages, markups, (row, used, markup) => {
    const charge = chargeFor(parsePrice(row), used, markup);
    const sum = charge.lines.reduce((sum, line) => sum + line.cost, charge.requestFee);
    assertEquals(charge.cost, sum + charge.webSearchCost);
    return charge.charge >= charge.cost && (markup !== 0 || charge.charge === charge.cost);
  }));
});

Deno.test("lesson 20: every line is exact, and the lines have every token once", () => {
  fc.assert(fc.property(priceRows, usages, (row, used) => {
    const { lines } = chargeFor(parsePrice(row), used, 0);
    const counted = lines.reduce((sum, line) => sum + line.tokens, 0);
    assertEquals(counted, TOKEN_CLASSES.reduce((sum, name) => sum + used.tokens[name], 0));
    return lines.every((line) => line.cost * 1000n === BigInt(line.tokens) * line.pricePer1k);
  }));
});

Deno.test("sound has its own price in both tiers, images without one cost what their class costs in the tier", () => {
  const price = parsePrice({
    ...row,
    input_audio_per_1k: "0.04",
    long_context_threshold_tokens: 100,
    long_input_per_1k: "0.005",
  });
  const media = { ...NO_MEDIA, input_audio: 10, input_image: 20 };
  const linesOf = (input: number) =>
    chargeFor(price, { tokens: { ...ZERO_TOKENS, input }, media }, 0).lines
      .map((line) => [line.class, line.tokens, formatUsd(line.pricePer1k)]);
  assertEquals(linesOf(100), [
    ["input", 70, "0.0025"],
    ["input_audio", 10, "0.04"],
    ["input_image", 20, "0.0025"],
  ]);
  assertEquals(linesOf(101), [
    ["input", 71, "0.005"],
    ["input_audio", 10, "0.04"],
    ["input_image", 20, "0.005"],
  ]);
});

Deno.test("a search costs its fee, and nothing where the price has none", () => {
  const used = { tokens: ZERO_TOKENS, webSearches: 3 };
  const price = parsePrice({ ...row, web_search_fee: "0.01" });
  assertEquals(formatUsd(chargeFor(price, used, 0).cost), "0.03");
  assertEquals(chargeFor(parsePrice(row), used, 0).cost, 0n);
});

Deno.test("more media than their class is a bug and throws", () => {
  const used = {
    tokens: { ...ZERO_TOKENS, output: 1 },
    media: { ...NO_MEDIA, output_audio: 2 },
  };
  assertThrows(() => chargeFor(parsePrice(row), used, 0), RangeError);
});

Deno.test("more tokens of any class of a one-tier price never cost less", () => {
  const classes = fc.constantFrom(...TOKEN_CLASSES);
  fc.assert(
    fc.property(priceRows, tokenCounts, classes, fc.nat(1000), (row, tokens, name, more) => {
      const price = parsePrice({ ...row, long_context_threshold_tokens: null });
      const fewer = chargeFor(price, { tokens }, 0).charge;
      return chargeFor(price, { tokens: { ...tokens, [name]: tokens[name] + more } }, 0).charge >=
        fewer;
    }),
  );
});

Deno.test("a prompt at the threshold is standard, one token more makes every class long context", () => {
  const price = parsePrice({
    ...row,
    long_context_threshold_tokens: 100,
    long_input_per_1k: "0.005",
    long_output_per_1k: "0.02",
  });
  const at = chargeFor(
    price,
    { tokens: { ...ZERO_TOKENS, input: 60, cache_read: 40, output: 10 } },
    0,
  );
  assertEquals([at.tier, at.cost], ["standard", parseUsd("0.0003")]);
  const above = chargeFor(price, {
    tokens: { ...ZERO_TOKENS, input: 61, cache_read: 40, output: 10 },
  }, 0);
  assertEquals([above.tier, above.cost], ["long_context", parseUsd("0.000555")]);
});

Deno.test("a request fee is charged once, and is all that a request without tokens costs", () => {
  const charge = chargeFor(
    parsePrice({ ...row, request_fee: "0.005" }),
    { tokens: ZERO_TOKENS },
    1000,
  );
  assertEquals([charge.lines, formatUsd(charge.charge)], [[], "0.0055"]);
});

Deno.test("a negative or fractional count is a bug and throws", () => {
  for (const input of [-1, 1.5, NaN, Infinity]) {
    assertThrows(
      () => chargeFor(parsePrice(row), { tokens: { ...ZERO_TOKENS, input } }, 0),
      RangeError,
    );
  }
});
