/** `farebox remove`: removes Farebox from a database, when a backup of what is there exists. */
import { fileURLToPath } from "node:url";
import { isConfirmed } from "../confirm.ts";
import { onDatabase, PATIENT_SQL, placeOf, type Sql, type Transaction } from "./database.ts";
import { BackupProblem, type Footer } from "./format.ts";
import { qualified } from "./load.ts";
import { checkBackup } from "./read_file.ts";
import { readRestoreTarget } from "./restore_target.ts";
import { databaseSource } from "./source.ts";

export type RemoveOptions = { backup: string; yes: boolean; dryRun: boolean; json: boolean };

const ROLLBACK = fileURLToPath(
  new URL("../../supabase/rollback/remove_farebox.sql", import.meta.url),
);

/** These change by the clock, without anything having happened to money or users. */
const CHANGE_BY_THEMSELVES = [
  "billing.incidents",
  "billing.alert_states",
  "billing.alert_checks",
  "billing.stored_items",
];

/** Answers 0 when Farebox is gone. @throws BackupProblem, with nothing removed. */
export async function remove(url: string, options: RemoveOptions): Promise<number> {
  const { footer } = await checkBackup(options.backup);
  return await onDatabase(url, async (sql) => {
    const { facts } = await readRestoreTarget(sql);
    if (facts === null && await isAbsent(sql)) {
      throw new BackupProblem(
        `${placeOf(url)} has no Farebox: there is nothing to remove. Nothing was removed.`,
      );
    }
    if (facts === null) {
      throw new BackupProblem(
        `${placeOf(url)} has half of a Farebox. Run ` +
          "supabase/rollback/remove_farebox.sql yourself: it says how. Nothing was removed.",
      );
    }
    const tables = facts.tables.map(({ name }) => name);
    if (options.dryRun) {
      await sql.begin((transaction) => requireSame(transaction, footer, tables, options.backup));
      tell(options.json, { removed: false }, `Would remove Farebox from ${placeOf(url)}.`);
      return 0;
    }
    const question =
      `Removes Farebox from ${placeOf(url)}: every balance, charge and price is then ` +
      `only in ${options.backup}. Go on?`;
    if (!isConfirmed(options, options, question)) return 1;
    await again(() =>
      sql.begin(async (transaction) => {
        await transaction.unsafe(PATIENT_SQL).simple();
        // Nobody writes between the comparison and the end.
        await transaction.unsafe(`lock table ${tables.map(qualified).join(", ")} in share mode`);
        await requireSame(transaction, footer, tables, options.backup);
        await transaction`select set_config('farebox.export_exists', 'yes', true)`;
        await transaction.unsafe(await Deno.readTextFile(ROLLBACK)).simple();
      })
    );
    tell(
      options.json,
      { removed: true },
      `✓ Farebox is removed from ${
        placeOf(url)
      }. Its functions, which refuse every request now, go ` +
        "with `supabase functions delete`. To be there again: `farebox restore " +
        `${options.backup}\`.`,
    );
    return 0;
  });
}

/** Requests still run: a deadlock with one of them undoes all of this, and it can be done again. */
const ATTEMPTS_MAX = 4;

async function again(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      const isDeadlock = error instanceof Error && "code" in error && error.code === "40P01";
      if (!isDeadlock || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function isAbsent(sql: Sql): Promise<boolean> {
  const [row] = await sql`
    select to_regnamespace('billing') is null and to_regclass('public.model_pricing') is null
      and to_regclass('public.user_balances') is null as absent`;
  return row?.["absent"] === true;
}

/** @throws BackupProblem when a table holds something else than the backup. */
async function requireSame(
  transaction: Transaction,
  footer: Footer,
  tables: readonly string[],
  path: string,
): Promise<void> {
  const source = databaseSource(transaction);
  const changed: string[] = [];
  for (const name of tables) {
    if (CHANGE_BY_THEMSELVES.includes(name)) continue;
    const now = await source.mark(name);
    if (now?.mark !== footer.tables[name]?.mark) changed.push(name);
  }
  if (changed.length === 0) return;
  throw new BackupProblem(
    `${path} is not of what is there now: ${
      changed.join(", ")
    } changed since. Take a backup again when ` +
      "no requests run. Nothing was removed.",
  );
}

function tell(json: boolean, value: Record<string, unknown>, text: string): void {
  console.log(json ? JSON.stringify(value) : text);
}
