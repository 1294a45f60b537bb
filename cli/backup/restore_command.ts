/** `farebox restore`: a backup's rows in place of what is there, whole or not at all. */
import { isConfirmed } from "../confirm.ts";
import { startProgress } from "../progress.ts";
import { recomputeAccounts, type Recomputed } from "./accounts.ts";
import { applyMigrations } from "./apply_migrations.ts";
import { tellTables } from "./backup_command.ts";
import { onDatabase, PATIENT_SQL, placeOf, type Transaction } from "./database.ts";
import { BackupProblem, type Facts, type Footer, type Header } from "./format.ts";
import { emptyTables, insertRows, qualified } from "./load.ts";
import { checkBackup, readBackup } from "./read_file.ts";
import { planMigrations, readRestoreTarget, requireSameTables } from "./restore_target.ts";
import { type Lost, readLost, warningsOf } from "./lost.ts";
import { requireReconciled } from "./reconciled.ts";
import { databaseSource } from "./source.ts";
import { withoutTriggers } from "./without_triggers.ts";

export type RestoreOptions = { yes: boolean; dryRun: boolean; json: boolean };

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
    const lost = await readLost(sql, header, footer);
    if (options.dryRun) {
      tellPlan(plan, footer, lost, options.json);
      return 0;
    }
    for (const warning of warningsOf(lost, footer)) console.error(warning);
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
    tellResult(path, footer, loaded, lost, options.json);
    return 0;
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
    const torn = footer.moved === false ? null : reader.header.created_at;
    const recomputed = await recomputeAccounts(transaction, torn);
    await requireSameContents(transaction, footer, { leftOut, recomputed });
    // The proof reads all of it, and is to know how much that is.
    for (const name of names) await transaction.unsafe(`analyze ${qualified(name)}`);
    await requireReconciled(transaction, footer);
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
  if (recomputed.accounts + recomputed.unwelcomed > 0) changed.add("public.user_balances");
  if (recomputed.refunds.length > 0) changed.add("public.balance_transactions");
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

function tellPlan(plan: string, footer: Footer, lost: Lost, json: boolean): void {
  const tables = tableRows(footer);
  if (json) console.log(JSON.stringify({ plan, tables, lost, moved: footer.moved }));
  else {
    console.log(`Would do: ${plan}`);
    tellTables(tables);
    for (const warning of warningsOf(lost, footer)) console.log(warning);
  }
}

function tellResult(
  path: string,
  footer: Footer,
  { leftOut, recomputed }: Loaded,
  lost: Lost,
  json: boolean,
): void {
  const tables = tableRows(footer);
  for (const [name, missing] of Object.entries(leftOut)) tables[name]! -= missing;
  const { accounts, released, unwelcomed, refunds } = recomputed;
  if (refunds.length > 0) tables["public.balance_transactions"]! -= refunds.length;
  if (json) {
    const { moved } = footer;
    // The violations are those of the proof, without which nothing would have been restored.
    const report = { file: path, tables, leftOut, recomputed, lost, moved, violations: [] };
    console.log(JSON.stringify(report));
    return;
  }
  tellTables(tables);
  for (const [name, missing] of Object.entries(leftOut)) {
    console.log(`  ${missing} rows of ${name} were left out: their users no longer exist.`);
  }
  if (refunds.length > 0) {
    console.log(`  ${refunds.length} refunds were left out: their charges are not in the backup.`);
    for (const { request_id: request, user_id: user, amount } of refunds) {
      console.log(`    ${amount} USD to ${user} for request ${request}`);
    }
  }
  if (accounts > 0) console.log(`  ${accounts} balances did not fit their entries: worked out.`);
  if (unwelcomed > 0) {
    console.log(`  ${unwelcomed} users get their welcome credit with their next request.`);
  }
  if (released > 0) {
    console.log(`  ${released} open reservations had no balance behind them: released.`);
  }
  for (const warning of warningsOf(lost, footer)) console.log(warning);
  console.log("✓ Restored, and the ledger reconciles.");
}

function tableRows(footer: Footer): Record<string, number> {
  return Object.fromEntries(Object.entries(footer.tables).map(([name, { rows }]) => [name, rows]));
}
