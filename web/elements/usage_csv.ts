/** All charges of some days as CSV, exact: the part of a usage page that is loaded on its own. */
// @ts-types="@types/papaparse"
import Papa from "papaparse";
import type { Farebox } from "../client/farebox.ts";
import type { UsageRecord } from "../client/types.ts";
import type { TimeRange } from "./usage_range.ts";

export interface ExportOrder {
  readonly times: TimeRange;
  /** Null for all. */
  readonly model: string | null;
  readonly signal: AbortSignal;
  /** @param requests how many are there until now; corrections do not count. */
  readonly progress: (requests: number) => void;
}

/** What the functions give at once. */
const PAGE_RECORDS = 200;
const TOKEN_CLASSES = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output"];
/** What a spreadsheet would run: a chat is named by whoever asked. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * All pages, the newest record first.
 * @throws AbortError where the signal ended it, or as `usage()` does.
 */
export async function collectRecords(farebox: Farebox, order: ExportOrder): Promise<UsageRecord[]> {
  const records: UsageRecord[] = [];
  const { times, model, signal } = order;
  const query = { ...times, limit: PAGE_RECORDS, ...(model === null ? {} : { model }) };
  let before: string | null = null;
  do {
    const page = await farebox.usage(before === null ? query : { ...query, before });
    signal.throwIfAborted();
    records.push(...page.records);
    order.progress(records.filter(({ kind }) => kind === "charge").length);
    before = page.next_before;
  } while (before !== null);
  return records;
}

/** Amounts are as the functions gave them. A text that a spreadsheet would run gets an apostrophe. */
export function csvOf(records: readonly UsageRecord[]): string {
  const classes = new Set(TOKEN_CLASSES);
  for (const { tokens } of records) for (const name of Object.keys(tokens)) classes.add(name);
  const fields = [
    "request_id",
    "created_at",
    "chat_id",
    "model",
    "provider",
    ...[...classes].map((name) => `${name}_tokens`),
    "cost",
    "collected",
    "uncollected",
    "basis",
    "kind",
  ];
  const data = records.map((record) => [
    harmless(record.request_id),
    harmless(record.created_at),
    harmless(record.chat_id ?? ""),
    harmless(record.model),
    harmless(record.provider),
    ...[...classes].map((name) => record.tokens[name] ?? 0),
    // A correction may be negative: numbers are not guarded.
    record.cost,
    record.collected,
    record.uncollected,
    harmless(record.basis),
    harmless(record.kind),
  ]);
  return Papa.unparse({ fields, data });
}

function harmless(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}
