/** What the ledger's runs come to: figures, marks and plots. */
import { type Figure, figure, type Mark, type Plot } from "../section.ts";
import { USERS } from "./fill.ts";
import type { Measured } from "./pairs.ts";

/** Runs of one kind of load. */
export interface Runs {
  readonly name: string;
  readonly measured: Measured[];
  /** Of the server, where the system tells. */
  readonly cpuMsAPair: number[];
}

/** By the number of connections: on many users, and on a hot one. */
export type ByConnections = Record<"many" | "hot", Map<number, Runs>>;

/** A ledger by how many records it began with; the runs themselves add to them. */
export interface Size {
  readonly records: number;
  readonly name: string;
}

export function figuresOf({ name, measured, cpuMsAPair }: Runs): Figure[] {
  return [
    figure(name, "pairs/s", measured.map(({ pairsPerSecond }) => pairsPerSecond)),
    figure(`${name}, p50`, "ms", measured.map(({ p50Ms }) => p50Ms)),
    figure(`${name}, p99`, "ms", measured.map(({ p99Ms }) => p99Ms)),
    ...cpuMsAPair.length > 0 ? [figure(`${name}, server's CPU a pair`, "ms", cpuMsAPair)] : [],
  ];
}

/** How many times as many pairs a second the empty ledger does, round by round. */
export function slowdownOf(bySize: ReadonlyMap<number, Runs>, houses: readonly Size[]): Figure {
  const largest = houses.at(-1)!;
  const empty = bySize.get(0)?.measured ?? [];
  const full = bySize.get(largest.records)?.measured ?? [];
  return figure(
    `pairs, slowdown from 0 to ${largest.name}`,
    "×",
    empty.map(({ pairsPerSecond }, round) => pairsPerSecond / (full[round]?.pairsPerSecond ?? NaN)),
  );
}

export interface Best {
  readonly connections: number;
  readonly pairsPerSecond: number;
}

export function bestOf(byConnections: ReadonlyMap<number, Runs>): Best {
  const all = [...byConnections].map(([connections, { name, measured }]) => ({
    connections,
    pairsPerSecond: figure(name, "", measured.map((run) => run.pairsPerSecond)).median,
  }));
  return all.reduce((best, one) => one.pairsPerSecond > best.pairsPerSecond ? one : best);
}

export function marksOf(
  many: Best,
  hot: Best,
  slowdown: Figure,
  figures: readonly Figure[],
): Mark[] {
  // Of the most records: what an index costs while it grows evens out.
  const bytes = figures.findLast(({ name }) => name.startsWith("a record, total"))!;
  return [
    {
      name: `reserve and settle on ${whose(USERS)}, ${many.connections} connections`,
      unit: "pairs/s",
      value: many.pairsPerSecond,
      is: "at_least",
      limit: 1500,
    },
    {
      name: `reserve and settle on ${whose(1)}, ${hot.connections} connections`,
      unit: "pairs/s",
      value: hot.pairsPerSecond,
      is: "at_least",
      limit: 400,
    },
    { name: bytes.name, unit: "bytes", value: bytes.median, is: "at_most", limit: 300 },
    { name: slowdown.name, unit: "×", value: slowdown.median, is: "at_most", limit: 1.2 },
  ];
}

export function plotByConnections(by: ByConnections): Plot {
  return {
    name: "ledger-connections",
    title: "Pairs of reserve and settle a second",
    x: { title: "connections", scale: "category" },
    y: { title: "pairs/s", scale: "linear" },
    series: ([["many", USERS], ["hot", 1]] as const).map(([kind, users]) => ({
      name: whose(users),
      points: [...by[kind]].map(([connections, runs]) => ({
        x: String(connections),
        y: figuresOf(runs)[0]!.median,
      })),
    })),
  };
}

export function plotBySize(bySize: ReadonlyMap<number, Runs>, houses: readonly Size[]): Plot {
  return {
    name: "ledger-records",
    title: "Pairs a second, by what is recorded already",
    x: { title: "usage records", scale: "category" },
    y: { title: "pairs/s", scale: "linear" },
    series: [{
      name: whose(USERS),
      points: houses.map(({ records }) => ({
        x: nameOf(records),
        y: figuresOf(bySize.get(records)!)[0]!.median,
      })),
    }],
  };
}

export function whose(users: number): string {
  return users === 1 ? "one user" : `${users.toLocaleString("en")} users`;
}

export function nameOf(records: number): string {
  return records >= 1_000_000 ? `${records / 1_000_000} million` : records.toLocaleString("en");
}
