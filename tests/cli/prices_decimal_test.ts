import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  differsByOverOnePercent,
  eachFromPerThousand,
  factorText,
  isOverThreefold,
  per1kFromPerMillion,
  shiftedDecimal,
} from "../../cli/prices/decimal.ts";
import { formatUsd } from "../../shared/pricing/money.ts";

Deno.test("lesson 28: 0.28 a million is 0.00028 a thousand, and so are its neighbours, without a float between", () => {
  const cases: [number, string][] = [
    [0.28, "0.00028"],
    [0.07, "0.00007"],
    [2.5, "0.0025"],
    [75, "0.075"],
    [0.0028, "0.0000028"],
    [0.55, "0.00055"],
    [1.1, "0.0011"],
    [4.35, "0.00435"],
    [600, "0.6"],
    [0, "0"],
  ];
  for (const [perMillion, text] of cases) {
    assertEquals(formatUsd(per1kFromPerMillion(perMillion) ?? -1n), text);
  }
});

Deno.test("every price of at most 4 decimals a million converts to exactly its digits, three places on", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 99_999_999n }), (tenThousandths) => {
    // The number is read from text, as a price list is.
    const digits = tenThousandths.toString().padStart(5, "0");
    const perMillion = Number(`${digits.slice(0, -4)}.${digits.slice(-4)}`);
    assertEquals(per1kFromPerMillion(perMillion), tenThousandths * 1000n);
  }));
});

Deno.test("any number keeps its shortest digits when it is shifted, with or without an exponent", () => {
  const positive = fc.double({ min: 0, max: 1e25, noNaN: true });
  fc.assert(fc.property(positive, fc.integer({ min: -6, max: 6 }), (value, places) => {
    const text = shiftedDecimal(value, places);
    assertMatch(text, /^(0|[1-9]\d*)(\.\d*[1-9])?$/);
    const significant = (text: string) =>
      text.replace(/e.*$/, "").replace(".", "").replace(/^0+/, "").replace(/0+$/, "");
    assertEquals(significant(text), significant(String(value)));
    assertEquals(shiftedDecimal(Number(shiftedDecimal(value, 0)), 0), shiftedDecimal(value, 0));
  }));
});

Deno.test("a price that a column cannot hold exactly is none, rather than a rounded one", () => {
  assertEquals(per1kFromPerMillion(0.003625), null);
  assertEquals(per1kFromPerMillion(0.1 + 0.2), null, "somebody's float artefact");
  assertEquals(per1kFromPerMillion(0.08333333333333334), null);
  assertEquals(eachFromPerThousand(10), 100_000_000n);
  assertEquals(eachFromPerThousand(1e-8), null);
});

Deno.test("what is negative or no number is no price", () => {
  for (const value of [-1, NaN, Infinity]) assertThrows(() => shiftedDecimal(value, 3), RangeError);
});

Deno.test("exactly three times and exactly a third are not over threefold; a hair more is", () => {
  assertEquals(isOverThreefold(100n, 300n), false);
  assertEquals(isOverThreefold(100n, 301n), true);
  assertEquals(isOverThreefold(300n, 100n), false);
  assertEquals(isOverThreefold(301n, 100n), true);
});

Deno.test("exactly 1 % is no difference, a hair more is, whichever is the larger", () => {
  assertEquals(differsByOverOnePercent(10_000n, 10_100n), false);
  assertEquals(differsByOverOnePercent(10_000n, 10_101n), true);
  assertEquals(differsByOverOnePercent(10_101n, 10_000n), true);
  assertEquals(differsByOverOnePercent(0n, 0n), false);
  assertEquals(differsByOverOnePercent(0n, 1n), true);
});

Deno.test("a factor is told with two decimals, with three where it is small", () => {
  assertEquals(factorText(42n, 219n), "×5.21");
  assertEquals(factorText(100n, 50n), "×0.5");
  assertEquals(factorText(2500n, 3n), "×0.001");
  assertEquals(factorText(5n, 5n), "×1");
  assertEquals(factorText(0n, 5n), "×∞");
});
