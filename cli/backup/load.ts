/** Loads a backup's rows into Farebox's tables, in a transaction of the caller's. */
import type { Progress } from "../progress.ts";
import type { Transaction } from "./database.ts";
import { BackupProblem, type BackupRow, type Facts, type Header } from "./format.ts";

/** Rows a statement, and characters of them. */
const BATCH_ROWS = 1000;
const BATCH_LENGTH_MAX = 4 * 1024 * 1024;

/**
 * Empties the tables. Nothing of an app goes with them: a foreign key of its own refuses it.
 * @throws BackupProblem naming the foreign key.
 */
export async function emptyTables(transaction: Transaction, facts: Facts): Promise<void> {
  const names = facts.tables.map(({ name }) => qualified(name)).join(", ");
  try {
    await transaction.unsafe(`truncate ${names}`);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "0A000") throw error;
    const detail = "detail" in error ? String(error.detail) : error.message;
    throw new BackupProblem(
      `A table of yours refers to one of Farebox's: ${detail} Drop that foreign key, restore, and ` +
        "add it again. Nothing was done.",
    );
  }
}

/**
 * Inserts the rows in the file's order.
 * @returns by table, how many rows were left out because their user no longer exists.
 */
export async function insertRows(
  transaction: Transaction,
  header: Header,
  rows: AsyncGenerator<BackupRow>,
  progress: Progress,
): Promise<Record<string, number>> {
  const statements = new Map<string, string>();
  for (const { name, columns } of header.tables) {
    const users = await columnsOfUsers(transaction, name);
    statements.set(name, insertStatement(name, columns.map(({ name }) => name), users));
  }
  const leftOut: Record<string, number> = {};
  let done = 0;
  for await (const batch of batches(rows)) {
    const statement = statements.get(batch.table)!;
    const { count } = await transaction.unsafe(statement, [`[${batch.lines.join(",")}]`]);
    const missing = batch.lines.length - count;
    if (missing > 0) leftOut[batch.table] = (leftOut[batch.table] ?? 0) + missing;
    progress.at(done += batch.lines.length);
  }
  return leftOut;
}

/** The columns that a foreign key ties to auth.users: without their user such rows cannot be. */
async function columnsOfUsers(transaction: Transaction, table: string): Promise<string[]> {
  const rows = await transaction<{ column: string }[]>`
    select a.attname as column
    from pg_constraint k
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'f' and k.confrelid = 'auth.users'::regclass
      and k.conrelid = ${table}::regclass`;
  return rows.map(({ column }) => column);
}

function insertStatement(table: string, columns: string[], users: string[]): string {
  const list = columns.map(quoted).join(", ");
  const conditions = users.map((column) =>
    `(r.${quoted(column)} is null or exists (
      select from auth.users u where u.id = r.${quoted(column)}))`
  );
  return `insert into ${qualified(table)} (${list}) overriding system value
    select ${columns.map((column) => `r.${quoted(column)}`).join(", ")}
    from json_populate_recordset(null::${qualified(table)}, $1::text::json) r
    where ${["true", ...conditions].join(" and ")}`;
}

async function* batches(
  rows: AsyncGenerator<BackupRow>,
): AsyncGenerator<{ table: string; lines: string[] }> {
  let lines: string[] = [];
  let length = 0;
  let current = "";
  for await (const { table, line } of rows) {
    const isFull = lines.length >= BATCH_ROWS || length + line.length > BATCH_LENGTH_MAX;
    if (lines.length > 0 && (isFull || table !== current)) {
      yield { table: current, lines };
      [lines, length] = [[], 0];
    }
    current = table;
    lines.push(line);
    length += line.length;
  }
  if (lines.length > 0) yield { table: current, lines };
}

/** A name of the catalog's, `schema.table`, as SQL. */
export function qualified(name: string): string {
  return name.split(".").map(quoted).join(".");
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
