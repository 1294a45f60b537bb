/** The results part of bench/README.md: nothing in it that the benchmark did not print. */
import { type Figure, isMet, type Mark } from "../section.ts";
import { formatValue } from "./numbers.ts";
import type { Measured, Results } from "./results.ts";

export const README = new URL("../README.md", import.meta.url);
const BEGIN = "<!-- results: written by `deno task bench`, not by hand -->";
const END = "<!-- end of results -->";

/** The README with the results in the place of those before. @throws Error without its markers. */
export function withResults(readme: string, latest: Results, before: Results): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) throw new Error("bench/README.md has lost its markers");
  const parts = [...latest.map(partText), changesText(latest, before)].filter((text) =>
    text !== ""
  );
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${parts.join("\n\n")}\n\n${
    readme.slice(end)
  }`;
}

function partText({ section, date, commit, machine }: Measured): string {
  const { cpu, cores, os, deno } = machine;
  return [
    `## ${section.title}`,
    `${date.slice(0, 10)}, commit ${commit}; ${cpu}, ${cores} cores, ${os}; Deno ${deno}.`,
    ...(section.marks.length === 0 ? [] : [markTable(section.marks)]),
    ...section.plots.map(({ title, name }) => `![${title}](results/${name}.svg)`),
    figureTable(section.figures),
  ].join("\n\n");
}

function markTable(marks: readonly Mark[]): string {
  return markdownTable(
    ["Mark", "Measured", "Limit", ""],
    marks.map((mark) => [
      mark.name,
      `${formatValue(mark.value)} ${mark.unit}`,
      `${mark.is === "at_least" ? "≥" : "≤"} ${formatValue(mark.limit)} ${mark.unit}`,
      isMet(mark) ? "met" : "**missed**",
    ]),
  );
}

function figureTable(figures: readonly Figure[]): string {
  return markdownTable(
    ["Figure", "Median", "Spread", "Runs"],
    figures.map(({ name, unit, median, min, max, runs }) => [
      name,
      `${formatValue(median)} ${unit}`,
      `${formatValue(min)} – ${formatValue(max)}`,
      String(runs),
    ]),
  );
}

/** What has become of each figure that was measured in the beginning too. */
function changesText(latest: Results, before: Results): string {
  const figures = (results: Results) => results.flatMap(({ section }) => section.figures);
  const known = new Map(figures(before).map((figure) => [figure.name + figure.unit, figure]));
  const rows = figures(latest).flatMap((now) => {
    const then = known.get(now.name + now.unit);
    if (then === undefined) return [];
    const change = `${formatValue((now.median / then.median - 1) * 100)} %`;
    return [[
      now.name,
      `${formatValue(then.median)} ${now.unit}`,
      `${formatValue(now.median)} ${now.unit}`,
      then.median === 0 ? "" : change.startsWith("-") ? change : `+${change}`,
    ]];
  });
  if (rows.length === 0) return "";
  const commits = [...new Set(before.map(({ commit }) => commit))].join(", ");
  return [
    "## Before and after",
    `Before: commit ${commits}.`,
    markdownTable(["Figure", "Before", "Now", "Change"], rows),
  ].join("\n\n");
}

/** Padded as `deno fmt` would. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, index) =>
    Math.max(3, title.length, ...rows.map((row) => row[index]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, index) => (cells[index] ?? "").padEnd(width)).join(" | ")} |`;
  return [
    line(head),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...rows.map(line),
  ].join("\n");
}
