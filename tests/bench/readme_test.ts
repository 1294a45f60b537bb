import { assert, assertEquals } from "@std/assert";
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

/** What XML writes in another way. */
function unescaped(svg: string): string {
  return svg.replaceAll("&#39;", "'").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
