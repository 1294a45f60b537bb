import * as z from "zod/mini";
// @ts-types="@types/papaparse"
import Papa from "papaparse";
import { parseUsd } from "../../shared/pricing/money.ts";
import { BadArgument } from "../arguments.ts";
import { type Cell, type Paint, stdoutPaint, table } from "../table.ts";
import type { Target } from "../target.ts";
import { counted, usd } from "../usd.ts";

export type ReportOptions = {
  by: "user" | "model" | "day";
  from?: string;
  to?: string;
  csv: boolean;
};

const figures = {
  requests: z.number(),
  tokens: z.object({
    input: z.number(),
    cache_read: z.number(),
    cache_write_5m: z.number(),
    cache_write_1h: z.number(),
    output: z.number(),
  }),
  cost: z.string(),
  collected: z.string(),
  uncollected: z.string(),
  refunded: z.string(),
};
const Figures = z.object(figures);
type Figures = z.infer<typeof Figures>;
const Report = z.object({
  groups: z.array(z.object({ key: z.string(), ...figures })),
  total: Figures,
});
type Group = z.infer<typeof Report>["groups"][number];

/** Reads the report once, and prints it as a table, as CSV or as JSON. */
export async function report(target: Target, options: ReportOptions): Promise<number> {
  if (options.csv && target.json) throw new BadArgument("Take one of --csv and --json.");
  const { from, to } = readRange(options);
  const answer = await target.call(
    "usage_report",
    { p_by: options.by, p_from: from, p_to: to },
    Report,
  );
  const groups = options.by === "day" ? answer.groups : answer.groups.toSorted(byCost);
  if (target.json) {
    console.log(JSON.stringify({ by: options.by, from, to, groups, total: answer.total }));
  } else if (options.csv) {
    // Without a row the header has its line's end already.
    console.log(csv(options.by, groups).trimEnd());
    console.error(totalLine(answer.total));
  } else {
    console.log(text(options.by, groups, answer.total, stdoutPaint()));
  }
  return 0;
}

/** Half-open, at midnight UTC: `to` is the day after the last. */
function readRange({ from, to }: ReportOptions): { from: string | null; to: string | null } {
  const start = from === undefined ? null : midnightOf("--from", from);
  const last = to === undefined ? null : midnightOf("--to", to);
  if (start !== null && last !== null && start > last) {
    throw new BadArgument(`--from ${from} is after --to ${to}.`);
  }
  last?.setUTCDate(last.getUTCDate() + 1);
  return { from: start?.toISOString() ?? null, to: last?.toISOString() ?? null };
}

function midnightOf(option: string, text: string): Date {
  const day = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : NaN);
  // A 31st of a month of 30 days becomes the next month's 1st.
  if (!Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)) return day;
  throw new BadArgument(`${option} ${text} is not a day: write it as 2026-11-30.`);
}

function byCost(one: Group, other: Group): number {
  const difference = parseUsd(other.cost) - parseUsd(one.cost);
  return difference === 0n ? one.key.localeCompare(other.key) : difference > 0n ? 1 : -1;
}

function cacheWrite({ tokens }: Figures): number {
  return tokens.cache_write_5m + tokens.cache_write_1h;
}

function text(by: string, groups: Group[], total: Figures, paint: Paint): string {
  if (groups.length === 0) return "Nothing was used in that time.";
  const right = (title: string) => ({ title, align: "right" as const });
  const columns = [
    { title: by },
    ...[
      "requests",
      "input",
      "cache read",
      "cache write",
      "output",
      "cost",
      "collected",
      "uncollected",
      "refunded",
    ].map(right),
  ];
  const row = (key: string, of: Figures): string[] => [
    key,
    counted(of.requests),
    counted(of.tokens.input),
    blankIfZero(of.tokens.cache_read),
    blankIfZero(cacheWrite(of)),
    counted(of.tokens.output),
    usd(of.cost),
    usd(of.collected),
    of.uncollected === "0" ? "" : usd(of.uncollected),
    of.refunded === "0" ? "" : usd(of.refunded),
  ];
  const sum: Cell[] = row("total", total).map((cell) => ["bold", cell] as const);
  return table(columns, [...groups.map((group) => row(group.key, group)), sum], paint).join("\n");
}

function blankIfZero(count: number): string {
  return count === 0 ? "" : counted(count);
}

/** Named, so that a time without use has its header too. */
const CSV_FIGURES = [
  "requests",
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "output_tokens",
  "cost_usd",
  "collected_usd",
  "uncollected_usd",
  "refunded_usd",
];

function csv(by: string, groups: Group[]): string {
  const rows = groups.map((group) => ({
    [by]: group.key,
    requests: group.requests,
    input_tokens: group.tokens.input,
    cache_read_tokens: group.tokens.cache_read,
    cache_write_tokens: cacheWrite(group),
    output_tokens: group.tokens.output,
    cost_usd: group.cost,
    collected_usd: group.collected,
    uncollected_usd: group.uncollected,
    refunded_usd: group.refunded,
  }));
  // Names of models come from outside; a sum below zero, of a correction, stays a number.
  const sheet = { fields: [by, ...CSV_FIGURES], data: rows };
  return Papa.unparse(sheet, {
    newline: "\n",
    escapeFormulae: /^[=+@\t\r]|^-(?!\d)/,
  });
}

function totalLine({ requests, cost, collected, refunded }: Figures): string {
  return `${counted(requests)} requests: cost ${usd(cost)}, collected ${
    usd(collected)
  }, refunded ` +
    `${usd(refunded)}.`;
}
