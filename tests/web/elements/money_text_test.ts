/** For whoever reads a price: the digits that are shown are the digits that are there. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { amountText, parseAmount, sumAmounts } from "../../../web/elements/amount.ts";
import {
  formatApprox,
  formatBalance,
  formatCost,
  formatCount,
} from "../../../web/elements/money_text.ts";

const cases = (
  format: (amount: string) => string,
  expected: Readonly<Record<string, string>>,
) => {
  const shown = Object.keys(expected).map((amount) => [amount, format(amount)]);
  assertEquals(Object.fromEntries(shown), expected);
};

/** Any amount of the ledger: numeric(20,10). */
const amounts = fc.bigInt({ min: -(10n ** 20n) + 1n, max: 10n ** 20n - 1n })
  .map((units) => amountText(units * 10n ** 10n));

Deno.test("a cost shows all its digits, and at least two decimals", () => {
  cases(formatCost, {
    "0.00103": "$0.00103",
    "0.0000000001": "$0.0000000001",
    "0": "$0.00",
    "10": "$10.00",
    "0.5000000000": "$0.50",
    "1234567.8": "$1,234,567.80",
    "-0.0002": "-$0.0002",
    "9999999999.9999999999": "$9,999,999,999.9999999999",
  });
});

Deno.test("a balance is rounded down to four decimals, and below a cent to six", () => {
  cases(formatBalance, {
    "9.9989712345": "$9.9989",
    "9.9999999999": "$9.9999",
    "10": "$10.00",
    "9.9900000000": "$9.99",
    "0.0100999999": "$0.01",
    "0.0099999999": "$0.009999",
    "0.0000001234": "$0.00",
    "0": "$0.00",
    "-0.00001": "-$0.00001",
    "-1.00001": "-$1.0001",
    "1000": "$1,000.00",
  });
});

Deno.test("an estimate has two significant digits, or cents where those are finer", () => {
  cases(formatApprox, {
    "0.00502": "$0.005",
    "0.0000123": "$0.000012",
    "0.0099999": "$0.01",
    "0.996": "$1.00",
    "1.236": "$1.24",
    "123.456": "$123.46",
    "0": "$0.00",
  });
});

Deno.test("what is no amount is shown as it came, never as a made-up amount", () => {
  for (const text of ["", "NaN", "1e-7", "ten", "1,5", "0x10", ".", "1.2.3"]) {
    assertEquals([formatCost(text), formatBalance(text), formatApprox(text)], [text, text, text]);
    assertEquals(parseAmount(text), null);
  }
});

Deno.test("a count of tokens is grouped by thousands", () => {
  assertEquals([7, 999, 1991, 1234567].map(formatCount), ["7", "999", "1,991", "1,234,567"]);
});

Deno.test("no amount of the ledger is changed by being shown as a cost, and a balance is never more", () => {
  fc.assert(fc.property(amounts, (amount) => {
    const read = (shown: string) => parseAmount(shown.replace(/[$,]/g, ""))!;
    const exact = parseAmount(amount)!;
    assertEquals(read(formatCost(amount)), exact);
    assertEquals(read(formatBalance(amount)) <= exact, true);
  }));
});

Deno.test("a sum of amounts has no rounding in it", () => {
  assertEquals(sumAmounts(["0.1", "0.2"]), "0.3");
  assertEquals(sumAmounts(["0.0000000000001", "9999999999"]), "9999999999.0000000000001");
  assertEquals(sumAmounts(["-1.5", "1.5"]), "0");
  assertEquals(sumAmounts([]), "0");
});
