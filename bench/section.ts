/** What every part of the benchmark answers with: figures, and the marks that they are held to. */

/** One measured figure: the median of its runs, and their spread. */
export type Figure = {
  /** What was measured, such as `relay 200 events, meter and relay`. */
  name: string;
  /** `streams/s`, `µs/event`, `ms`, `bytes`, or `×` for a ratio of two figures of the same run. */
  unit: string;
  median: number;
  min: number;
  max: number;
  /** How many runs the median is of. */
  runs: number;
};

/** What a figure is held to. */
export type Mark = {
  name: string;
  unit: string;
  value: number;
  /** The value has to be `at_least` or `at_most` the limit. */
  is: "at_least" | "at_most";
  limit: number;
};

/** Lines of one plot: a picture where it says more than the table. */
export type Plot = {
  /** The file's name in `bench/results`, without `.svg`. */
  name: string;
  title: string;
  x: { title: string; scale: "linear" | "log" | "category" };
  y: { title: string; scale: "linear" | "log" };
  series: { name: string; points: { x: number | string; y: number }[] }[];
};

/** One part of the benchmark. */
export type Section = {
  name: "relay" | "first-token" | "ledger" | "cold-start" | "profile";
  title: string;
  figures: Figure[];
  marks: Mark[];
  plots: Plot[];
};

/** The figure of some runs' values; throws on none. */
export function figure(name: string, unit: string, values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] ?? 0) / 2 + (sorted[middle] ?? 0) / 2;
  const min = sorted[0];
  const max = sorted.at(-1);
  if (median === undefined || min === undefined || max === undefined) {
    throw new Error(`${name} was not measured`);
  }
  return { name, unit, median, min, max, runs: sorted.length };
}

export function isMet({ value, is, limit }: Mark): boolean {
  return is === "at_least" ? value >= limit : value <= limit;
}
