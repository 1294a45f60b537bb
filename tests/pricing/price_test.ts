import { assertEquals, assertThrows } from "@std/assert";
import { parseUsd } from "../../shared/pricing/money.ts";
import { parsePrice, parsePrices } from "../../shared/pricing/price.ts";

const row = {
  provider_id: "openai",
  model_id: "gpt-4o",
  price_version: 1,
  input_per_1k: "0.0025",
  output_per_1k: "0.01",
};

Deno.test("a row with the two required prices has a price for every class", () => {
  const price = parsePrice(row);
  assertEquals(price.standard, {
    input: parseUsd("0.0025"),
    cache_read: parseUsd("0.0025"),
    cache_write_5m: parseUsd("0.0025"),
    cache_write_1h: parseUsd("0.0025"),
    output: parseUsd("0.01"),
  });
  assertEquals(price.longContext, null);
  assertEquals(price.requestFee, 0n);
  assertEquals(price.displayName, "gpt-4o");
});

Deno.test("an hour's cache write falls back to the 5-minute price before the input price", () => {
  const price = parsePrice({ ...row, cache_write_5m_per_1k: "0.003" });
  assertEquals(price.standard.cache_write_1h, parseUsd("0.003"));
});

Deno.test("a long-context class without a price of its own keeps its standard one", () => {
  const price = parsePrice({
    ...row,
    cache_read_per_1k: "0.001",
    long_context_threshold_tokens: 200_000,
    long_input_per_1k: "0.005",
  });
  assertEquals(price.longContext?.prices, {
    input: parseUsd("0.005"),
    cache_read: parseUsd("0.001"),
    cache_write_5m: parseUsd("0.005"),
    cache_write_1h: parseUsd("0.005"),
    output: parseUsd("0.01"),
  });
});

Deno.test("a price of zero is a price, not an absent one", () => {
  assertEquals(parsePrice({ ...row, cache_read_per_1k: "0" }).standard.cache_read, 0n);
});

Deno.test("nulls are absent, and columns we do not know are ignored", () => {
  const price = parsePrice({ ...row, max_input_tokens: null, request_fee: null, colour: "red" });
  assertEquals(price.maxInputTokens, null);
});

Deno.test("a price that cannot be charged exactly, is negative, or is a number, is refused", () => {
  for (const input_per_1k of ["0.00000001", "-0.1", "abc", 0.0025, null]) {
    assertThrows(() => parsePrice({ ...row, input_per_1k }));
  }
  assertThrows(() => parsePrices({ rows: [row] }));
});

Deno.test("prices of media and searches that are absent stay absent, and zero is a price", () => {
  const absent = parsePrice(row);
  assertEquals([absent.media.input_audio, absent.webSearchFee], [null, null]);
  const price = parsePrice({ ...row, output_audio_per_1k: "0.08", web_search_fee: "0" });
  assertEquals([price.media.output_audio, price.webSearchFee], [parseUsd("0.08"), 0n]);
  assertThrows(() => parsePrice({ ...row, input_image_per_1k: "0.00000001" }));
  assertThrows(() => parsePrice({ ...row, web_search_fee: "-0.01" }));
});

Deno.test("a long tier beyond the context window is none: only the sum of several readings passes it", () => {
  const row = {
    provider_id: "anthropic",
    model_id: "claude",
    input_per_1k: "0.003",
    output_per_1k: "0.015",
    long_context_threshold_tokens: 200_000,
    long_input_per_1k: "0.006",
  };
  for (const [window, isLong] of [[200_000, false], [200_001, true], [null, true]] as const) {
    assertEquals(parsePrice({ ...row, max_input_tokens: window }).longContext !== null, isLong);
  }
});
