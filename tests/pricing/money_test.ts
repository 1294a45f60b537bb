import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  addMarkup,
  costWithin,
  formatUsd,
  parseUsd,
  rawJsonNumber,
  USD_ONE,
} from "../../shared/pricing/money.ts";

const amounts = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n });

Deno.test("an amount written and read again is the same amount", () => {
  fc.assert(fc.property(amounts, (amount) => parseUsd(formatUsd(amount)) === amount));
});

Deno.test("an amount is written without exponent, trailing zero or bare point", () => {
  fc.assert(fc.property(amounts, (amount) => /^-?\d+(\.\d*[1-9])?$/.test(formatUsd(amount))));
  assertEquals(formatUsd(0n), "0");
  assertEquals(formatUsd(1n), "0.0000000001");
  assertEquals(formatUsd(-USD_ONE / 2n), "-0.5");
  assertEquals(formatUsd(10n * USD_ONE), "10");
});

Deno.test("a decimal with trailing zeros reads as the same amount as without", () => {
  assertEquals(parseUsd("9.9988000000"), parseUsd("9.9988"));
  assertEquals(parseUsd("0010"), 10n * USD_ONE);
});

Deno.test("what is not a decimal of at most 10 decimals is refused, not rounded", () => {
  const bad = ["", " 1", "1.", ".5", "1e-7", "+1", "NaN", "0x1", "1,5", "0.00000000001", "--1"];
  for (const text of [...bad, "9".repeat(5000)]) {
    assertThrows(() => parseUsd(text), RangeError, "Cannot read an amount");
  }
});

Deno.test("an amount in JSON is the exact number, past what a float can hold", () => {
  const amount = parseUsd("1234567890.0123456789");
  assertEquals(
    JSON.stringify({ balance: rawJsonNumber(amount) }),
    `{"balance":1234567890.0123456789}`,
  );
  assertEquals(JSON.stringify(rawJsonNumber(parseUsd("10"))), "10");
  assertEquals(JSON.stringify(rawJsonNumber(parseUsd("0.0000001"))), "0.0000001");
});

Deno.test("without JSON.rawJSON an amount is a number where exact, else its decimal string", () => {
  const json = JSON as { rawJSON?: unknown };
  const original = json.rawJSON;
  delete json.rawJSON;
  try {
    assertEquals(rawJsonNumber(parseUsd("9.9988")), 9.9988);
    assertEquals(rawJsonNumber(parseUsd("1234567890.0123456789")), "1234567890.0123456789");
    assertEquals(rawJsonNumber(parseUsd("0.0000001")), "0.0000001");
  } finally {
    json.rawJSON = original;
  }
});

Deno.test("a markup rounds up, once, by less than one count", () => {
  assertEquals(addMarkup(1n, 1), 2n);
  assertEquals(addMarkup(10_000n, 500), 10_500n);
  assertEquals(addMarkup(7n, 0), 7n);
  const costs = fc.bigInt({ min: 0n, max: 10n ** 20n });
  fc.assert(fc.property(costs, fc.nat(100_000), (cost, markup) => {
    const exact = cost * BigInt(10_000 + markup);
    const charged = addMarkup(cost, markup) * 10_000n;
    return charged >= exact && charged - exact < 10_000n;
  }));
});

Deno.test("the cost within a charge is the greatest whose marked-up charge fits", () => {
  const charges = fc.bigInt({ min: 0n, max: 10n ** 20n });
  fc.assert(fc.property(charges, fc.nat(100_000), (charge, markup) => {
    const cost = costWithin(charge, markup);
    return addMarkup(cost, markup) <= charge && addMarkup(cost + 1n, markup) > charge;
  }));
});

Deno.test("a fractional or negative markup is a bug and throws", () => {
  assertThrows(() => addMarkup(1n, 0.5), RangeError);
  assertThrows(() => addMarkup(1n, -1), RangeError);
  assertThrows(() => addMarkup(-1n, 1), RangeError);
});
