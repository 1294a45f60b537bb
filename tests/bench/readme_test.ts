import { assert, assertEquals } from "@std/assert";
import { isMet } from "../../bench/section.ts";
import { plotSvg } from "../../bench/report/plots.ts";
import { README, withResults } from "../../bench/report/readme.ts";
import {
  type Measured,
  readBefore,
  readLatest,
  RESULTS_FOLDER,
} from "../../bench/report/results.ts";

Deno.test("every figure in the benchmark's README is one that was measured", async () => {
  const readme = await Deno.readTextFile(README);
  assertEquals(readme, withResults(readme, await readLatest(), await readBefore()));
});

Deno.test("a figure of the README that is changed by hand is noticed", async () => {
  const readme = await Deno.readTextFile(README);
  const latest = await readLatest();
  const changed = structuredClone(latest) as Measured[];
  changed[0]!.section.figures[0]!.median *= 2;
  assert(readme !== withResults(readme, changed, await readBefore()));
});

Deno.test("every plot of the results is there, with its title, axes and legend", async () => {
  for (const plot of (await readLatest()).flatMap(({ section }) => section.plots)) {
    const kept = await Deno.readTextFile(new URL(`${plot.name}.svg`, RESULTS_FOLDER));
    for (const svg of [kept, plotSvg(plot)].map(unescaped)) {
      const words = [plot.title, plot.x.title, plot.y.title, ...plot.series.map((s) => s.name)];
      for (const word of words) assert(svg.includes(word), `${plot.name} does not say ${word}`);
    }
  }
});

/** Another gateway took ten seconds for an answer beyond so many requests a second. */
const TOO_FEW_A_SECOND = 15;

Deno.test("lesson 31: what billing adds to the first token was measured and is within its mark, and so many requests a second are far from what the ledger does", async () => {
  const latest = await readLatest();
  const [firstToken, ledger] = ["first-token", "ledger"].map((name) =>
    latest.find(({ section }) => section.name === name)?.section
  );
  assertEquals(firstToken?.marks.map(isMet), [true]);
  const loads = (ledger?.figures ?? []).filter(({ unit }) => unit === "pairs/s");
  assert(loads.length > 0);
  for (const { name, min } of loads) assert(min > 10 * TOO_FEW_A_SECOND, `${name}: ${min}`);
  for (const { name, max } of ledger?.figures.filter(({ name }) => name.endsWith("p99")) ?? []) {
    assert(max < 1_000, `${name}: ${max} ms`);
  }
});

/** What XML writes in another way. */
function unescaped(svg: string): string {
  return svg.replaceAll("&#39;", "'").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
