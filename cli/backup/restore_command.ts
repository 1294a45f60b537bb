/** `farebox restore`: a backup's rows in place of what is there, whole or not at all. */
import * as z from "zod/mini";
import { isConfirmed } from "../confirm.ts";
import { startProgress } from "../progress.ts";
import { recomputeAccounts, type Recomputed } from "./accounts.ts";
import { applyMigrations } from "./apply_migrations.ts";
import { tellTables } from "./backup_command.ts";
import { onDatabase, PATIENT_SQL, placeOf, type Sql, type Transaction } from "./database.ts";
import { BackupProblem, type Facts, type Footer, type Header } from "./format.ts";
import { emptyTables, insertRows, qualified } from "./load.ts";
import { checkBackup, readBackup } from "./read_file.ts";
import { planMigrations, readRestoreTarget, requireSameTables } from "./restore_target.ts";
import { databaseSource } from "./source.ts";
import { withoutTriggers } from "./without_triggers.ts";

export type RestoreOptions = { yes: boolean; dryRun: boolean; json: boolean };

const Reconciled = z.object({ violations: z.array(z.unknown()) });

/** What was loaded beside what the file has. */
type Loaded = { leftOut: Record<string, number>; recomputed: Recomputed };

/** Answers 0 when all is there and reconciles. @throws BackupProblem, with nothing done. */
export async function restore(url: string, path: string, options: RestoreOptions): Promise<number> {
  const { header, footer } = await checkBackup(path);
  return await onDatabase(url, async (sql) => {
    const found = await readRestoreTarget(sql);
    const before = await planMigrations(header, found);
    if (before.kind === "none") requireSameTables(header, found.facts!);
    const plan = describe(url, header, found.facts, before.kind === "migrate");
    if (options.dryRun) {
      tellPlan(plan, footer, options.json);
      return 0;
    }
    if (!isConfirmed(options, options, `${plan} Go on?`)) return 1;

    if (before.kind === "migrate") await applyMigrations(url, before.last);
    const facts = (await readRestoreTarget(sql)).facts;
    if (facts === null) {
      throw new BackupProblem(
        "The target says that its migrations are applied, but its functions are missing: it is " +
          "damaged. Remove what is left with supabase/rollback/remove_farebox.sql and restore again.",
      );
    }
    requireSameTables(header, facts);
    const rows = Object.values(footer.tables).reduce((sum, { rows }) => sum + rows, 0);
    const loaded = await sql.begin((transaction) => load(transaction, path, facts, rows)) as Loaded;
    if (before.kind === "migrate") await applyMigrations(url, null);
    // The Data API may remember that there was no such table or function.
    await sql`notify pgrst, 'reload schema'`;
    for (const { name } of facts.tables) await sql.unsafe(`analyze ${qualified(name)}`);
    return await finish(sql, path, footer, loaded, options.json);
  });
}

async function load(
  transaction: Transaction,
  path: string,
  facts: Facts,
  rows: number,
): Promise<Loaded> {
  await transaction.unsafe(PATIENT_SQL).simple();
  const reader = await readBackup(path);
  const names = facts.tables.map(({ name }) => name);
  return await withoutTriggers(transaction, names, async () => {
    await emptyTables(transaction, facts);
    const progress = startProgress(rows, "rows");
    let leftOut: Record<string, number>;
    try {
      leftOut = await insertRows(transaction, reader.header, reader.rows(), progress);
    } finally {
      progress.stop();
    }
    const footer = reader.footer();
    await setSequences(transaction, footer, facts);
    const recomputed = await recomputeAccounts(transaction);
    await requireSameContents(transaction, footer, { leftOut, recomputed });
    return { leftOut, recomputed };
  });
}

async function setSequences(
  transaction: Transaction,
  footer: Footer,
  facts: Facts,
): Promise<void> {
  for (const { name, last_value: value, is_called: isCalled } of footer.sequences) {
    if (!facts.sequences.some((sequence) => sequence.name === name)) continue;
    await transaction`select setval(${name}::text::regclass, ${value}::text::bigint, ${isCalled})`;
  }
}

/** What was loaded is what the file holds, digit by digit, where nothing was to be changed. */
async function requireSameContents(
  transaction: Transaction,
  footer: Footer,
  { leftOut, recomputed }: Loaded,
): Promise<void> {
  const changed = new Set(Object.keys(leftOut));
  if (recomputed.accounts > 0) changed.add("public.user_balances");
  if (recomputed.released > 0) changed.add("billing.reservations");
  const source = databaseSource(transaction);
  for (const [name, { mark }] of Object.entries(footer.tables)) {
    if (changed.has(name) || (await source.mark(name))?.mark === mark) continue;
    throw new BackupProblem(
      `${name} would not be what the backup holds: its rows came out otherwise here. Nothing was ` +
        "done; say with which versions of PostgreSQL it was made and restored.",
    );
  }
}

/** What is about to happen, in a sentence or two. */
function describe(url: string, header: Header, facts: Facts | null, migrates: boolean): string {
  const rowsOf = (name: string) => facts?.tables.find((table) => table.name === name)?.rows ?? 0;
  const rows = facts?.tables.reduce((sum, table) => sum + table.rows, 0) ?? 0;
  return [
    migrates ? `Applies Farebox's migrations to ${placeOf(url)}.` : null,
    facts === null || rows === 0
      ? `Loads the backup of ${header.created_at} into ${placeOf(url)}.`
      : `Replaces what ${placeOf(url)} has (${rowsOf("public.user_balances")} accounts, ` +
        `${rowsOf("public.usage_records")} charges, ${
          rowsOf("public.balance_transactions")
        } credits) with the backup of ${header.created_at}.`,
  ].filter((sentence) => sentence !== null).join(" ");
}

function tellPlan(plan: string, footer: Footer, json: boolean): void {
  const tables = tableRows(footer);
  if (json) console.log(JSON.stringify({ plan, tables }));
  else {
    console.log(`Would do: ${plan}`);
    tellTables(tables);
  }
}

async function finish(
  sql: Sql,
  path: string,
  footer: Footer,
  { leftOut, recomputed }: Loaded,
  json: boolean,
): Promise<number> {
  const [row] = await sql`select public.reconcile() as report`;
  const { violations } = Reconciled.parse(row?.["report"]);
  const tables = tableRows(footer);
  for (const [name, missing] of Object.entries(leftOut)) tables[name]! -= missing;
  if (json) {
    console.log(JSON.stringify({ file: path, tables, leftOut, recomputed, violations }));
    return violations.length === 0 ? 0 : 1;
  }
  tellTables(tables);
  for (const [name, missing] of Object.entries(leftOut)) {
    console.log(`  ${missing} rows of ${name} were left out: their users no longer exist.`);
  }
  if (recomputed.accounts > 0) {
    console.log(`  ${recomputed.accounts} balances did not fit their entries and were worked out.`);
  }
  if (recomputed.released > 0) {
    console.log(`  ${recomputed.released} open reservations had no balance behind them: released.`);
  }
  if (violations.length === 0) console.log("✓ Restored, and the ledger reconciles.");
  else {
    console.error(
      `✗ Restored, but the ledger has ${violations.length} violations: see \`farebox reconcile\`. ` +
        "They were in the backup, or the ledger moved while it was read.",
    );
  }
  return violations.length === 0 ? 0 : 1;
}

function tableRows(footer: Footer): Record<string, number> {
  return Object.fromEntries(Object.entries(footer.tables).map(([name, { rows }]) => [name, rows]));
}
