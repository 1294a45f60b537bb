import * as z from "zod/mini";
import { requireCount } from "../arguments.ts";
import { print } from "../ledger_answers.ts";
import { type Cell, type Paint, stdoutPaint, table } from "../table.ts";
import type { Target } from "../target.ts";
import { counted } from "../usd.ts";
import {
  aboveFree,
  type BytesARecord,
  type Habits,
  MEASURED,
  type Meter,
  METERS,
  type Month,
  monthOf,
  monthsUntil,
  proBill,
} from "./month.ts";
import { FREE, PRICE_LIST, PRO, PRO_USD_MONTH } from "./supabase_prices.ts";

export type EstimateOptions = {
  users: string;
  requestsPerDay: string;
  answerTokens: string;
  promptBytes: string;
  chatHistory: boolean;
};

const Facts = z.object({
  tables: z.array(z.object({
    table: z.string(),
    rows: z.number(),
    table_bytes: z.number(),
    index_bytes: z.number(),
  })),
  database_bytes: z.number(),
});
type Facts = z.infer<typeof Facts>;

/** Fewer rows than this say more about the pages of a table than about a row. */
const ROWS_TO_MEASURE = 1_000;

/** Prints a month on Supabase's plans. Asks for sizes, writes nothing. */
export async function estimate(target: Target, options: EstimateOptions): Promise<number> {
  const habits: Habits = {
    users: requireCount("--users", options.users, 0, 1e9),
    requestsPerDay: requireCount("--requests-per-day", options.requestsPerDay, 0, 1e9),
    answerTokens: requireCount("--answer-tokens", options.answerTokens, 0, 1e6),
    promptBytes: requireCount("--prompt-bytes", options.promptBytes, 0, 1e8),
    keepsHistory: options.chatHistory,
  };
  const facts = await target.call("storage_facts", {}, Facts);
  const { bytes, isMeasuredHere } = bytesOf(facts);
  const month = monthOf(habits, bytes, {
    bytes: facts.database_bytes,
    accounts: rowsOf(facts, "user_balances"),
  });
  const bill = proBill(month);
  print(
    target,
    {
      habits,
      month,
      bytes_a_record: bytes,
      measured_here: isMeasuredHere,
      free: { is_enough: aboveFree(month).length === 0, above: aboveFree(month) },
      pro: { usd_month: bill.total.toFixed(2), above: bill.above },
      price_list: PRICE_LIST,
    },
    () => text(target, month, bytes, isMeasuredHere, facts, stdoutPaint()),
  );
  return 0;
}

/** A table's name comes with its schema or without, as the search path has it. */
function find(facts: Facts, name: string): Facts["tables"][number] | undefined {
  return facts.tables.find(({ table }) => table.replace(/^.*\./, "") === name);
}

function rowsOf(facts: Facts, name: string): number {
  return find(facts, name)?.rows ?? 0;
}

function bytesOf(facts: Facts): { bytes: BytesARecord; isMeasuredHere: boolean } {
  const measured = (name: string): number | null => {
    const found = find(facts, name);
    if (found === undefined || found.rows < ROWS_TO_MEASURE) return null;
    return Math.round((found.table_bytes + found.index_bytes) / found.rows);
  };
  const charge = measured("usage_records");
  return {
    bytes: { ...MEASURED, ...(charge !== null && { charge }) },
    isMeasuredHere: charge !== null,
  };
}

const NAMES: Record<Meter, string> = {
  storage_bytes: "database",
  egress_bytes: "egress",
  invocations: "function calls",
  monthly_users: "users a month",
};

function text(
  target: Target,
  month: Month,
  bytes: BytesARecord,
  isMeasuredHere: boolean,
  facts: Facts,
  paint: Paint,
): string {
  const bill = proBill(month);
  const above = aboveFree(month);
  const where = isMeasuredHere
    ? `on this target, over ${counted(rowsOf(facts, "usage_records"))} charges`
    : "by us: this target has too few charges to measure";
  const rows = METERS.map((meter): Cell[] => [
    NAMES[meter],
    amountOf(meter, month[meter]),
    ...share(month[meter], FREE[meter]),
    amountOf(meter, FREE[meter]),
    ...share(month[meter], PRO[meter].included),
    amountOf(meter, PRO[meter].included),
    bill.above[meter] === 0 ? "" : dollars(bill.above[meter]),
  ]);
  const columns = [
    { title: "a month" },
    { title: "", align: "right" as const },
    { title: "Free" },
    { title: "", align: "right" as const },
    { title: "of", align: "right" as const },
    { title: "Pro" },
    { title: "", align: "right" as const },
    { title: "of", align: "right" as const },
    { title: "above it", align: "right" as const },
  ];
  return [
    `${counted(month.requests)} requests a month at ${target.url}: ${counted(month.rows)} rows, ` +
    `${sized(month.storage_growth_bytes)} more in the database each month.`,
    "",
    ...table(columns, rows, paint),
    "",
    above.length === 0
      ? `  Free  ${paint("green", "$0")}: enough${
        fullIn(month, FREE.storage_bytes)
      }. It pauses after a week without use.`
      : `  Free  ${paint("red", "not enough")}: ${above.map((meter) => NAMES[meter]).join(", ")}.`,
    `  Pro   ${paint("bold", dollars(bill.total))}${aboveQuotas(bill.total)}${
      fullIn(month, PRO.storage_bytes.included)
    }.`,
    "",
    `  A charge takes ${bytes.charge} bytes with its indexes, ${
      sized(bytes.charge * 1e6)
    } a million; measured ${where}.`,
    `  Not in it: what the models cost, a larger computer, logs, Realtime, other use of the project.`,
    `  Prices as of ${PRICE_LIST.read_on}: ${PRICE_LIST.source}`,
  ].join("\n");
}

const BAR_WIDTH = 12;

/** A bar and a percentage of a quota. */
function share(used: number, quota: number): [Cell, Cell] {
  const part = used / quota;
  const full = Math.min(BAR_WIDTH, Math.ceil(part * BAR_WIDTH));
  const style = part > 1 ? "red" : part > 0.8 ? "yellow" : "green";
  const percent = part > 0 && part < 0.01 ? "<1 %" : `${counted(Math.round(part * 100))} %`;
  return [
    [style, "█".repeat(full) + "░".repeat(BAR_WIDTH - full)],
    [style, percent],
  ];
}

function aboveQuotas(total: number): string {
  return total === PRO_USD_MONTH
    ? ", all within its quotas"
    : `: ${dollars(PRO_USD_MONTH)} and ${dollars(total - PRO_USD_MONTH)} above its quotas`;
}

function amountOf(meter: Meter, amount: number): string {
  return meter.endsWith("_bytes") ? sized(amount) : counted(amount);
}

function sized(bytes: number): string {
  if (bytes >= 1e11) return `${counted(Math.round(bytes / 1e9))} GB`;
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(bytes >= 1e7 ? 0 : 1)} MB`;
}

function dollars(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

function fullIn(month: Month, limit: number): string {
  const months = monthsUntil(month, limit);
  if (months === null || months === 0) return "";
  return `; its ${sized(limit)} of database are full in month ${counted(months + 1)}`;
}
