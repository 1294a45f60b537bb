/** For whoever reads a chart: its axis says amounts to the last digit, never what a float made of them. */
import { assertEquals } from "@std/assert";
import { axisText, lengthOf } from "../../../web/elements/usage_bars.ts";
import { formatCost } from "../../../web/elements/money_text.ts";

Deno.test("a mark of the axis as high as a bar says what the bar does, to the last digit", () => {
  const costs = [
    "0",
    "0.0000000001",
    "0.1",
    "0.00103",
    "12.5",
    "262144.0000000001",
    "899999.9999999999",
  ];
  for (const cost of costs) assertEquals(axisText(lengthOf(cost)), formatCost(cost));
});

Deno.test("marks at equal steps are equal steps apart", () => {
  const step = lengthOf("0.1");
  assertEquals(axisText(3 * step), "$0.30");
  assertEquals(axisText(step + 2 * step), "$0.30");
  assertEquals(axisText(step / 3), "$0.0333333333");
});

Deno.test("bars are as long as their amounts are, and a correction's goes below zero", () => {
  assertEquals(lengthOf("0.2"), 2 * lengthOf("0.1"));
  assertEquals(axisText(lengthOf("-0.00003")), formatCost("-0.00003"));
});
