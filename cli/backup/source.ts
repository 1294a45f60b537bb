/** Where a backup reads: the Data API, or a connection to the database, by the same functions of SQL. */
import * as z from "zod/mini";
import { LedgerUnavailable } from "../../shared/credit/ledger_unavailable.ts";
import type { Target } from "../target.ts";
import { PATIENT_SQL, type Sql, type Transaction } from "./database.ts";
import { Contents, Facts } from "./format.ts";

const Page = z.object({
  rows: z.string(),
  count: z.number(),
  mark: z.string(),
  next: z.nullable(z.record(z.string(), z.unknown())),
});
export type Page = z.infer<typeof Page>;

export interface ExportSource {
  facts(): Promise<Facts>;
  /** `after` is the `next` of the page before; null begins. */
  page(table: string, after: Page["next"]): Promise<Page>;
  /** What the table holds now; null where reading all of it takes longer than the API allows. */
  mark(table: string): Promise<Contents | null>;
  /** Whether everything is read as of one moment. */
  isSnapshot: boolean;
}

/** Rows a page. The Data API answers at most a few MB in good time; the function bounds bytes itself. */
const PAGE_ROWS = 1000;

/** Through the Data API, with the secret key. */
export function apiSource(target: Target): ExportSource {
  return {
    isSnapshot: false,
    facts: () => target.call("export_facts", {}, Facts),
    page: (table, after) =>
      target.call("export_page", { p_table: table, p_after: after, p_limit: PAGE_ROWS }, Page),
    mark: (table) =>
      target.call("export_mark", { p_table: table }, Contents).catch((error) => {
        if (error instanceof LedgerUnavailable) return null;
        throw error;
      }),
  };
}

/** Runs `work` in one repeatable-read transaction: all of it sees one moment. */
export async function inSnapshot<T>(
  sql: Sql,
  work: (source: ExportSource, transaction: Transaction) => Promise<T>,
): Promise<T> {
  return await sql.begin("isolation level repeatable read read only", async (transaction) => {
    await transaction.unsafe(PATIENT_SQL).simple();
    return await work(databaseSource(transaction), transaction);
  }) as T;
}

/** Within a transaction, which decides what is seen. */
export function databaseSource(transaction: Transaction): ExportSource {
  return {
    isSnapshot: true,
    async facts() {
      const [row] = await transaction`select public.export_facts() as answer`;
      return Facts.parse(row?.["answer"]);
    },
    async page(table, after) {
      const key = after === null ? null : JSON.stringify(after);
      const [row] = await transaction`
        select public.export_page(${table}, ${key}::text::json, ${PAGE_ROWS}) as answer`;
      return Page.parse(row?.["answer"]);
    },
    async mark(table) {
      // The inner function: the one of the API has the API's time limit.
      const [row] = await transaction`select public.export_mark(${table}) as answer`;
      return Contents.parse(row?.["answer"]);
    },
  };
}
