/** What a restore finds in the database, and whether the backup fits in. */
import { newestMigration } from "./apply_migrations.ts";
import { databaseSource } from "./source.ts";
import type { Sql } from "./database.ts";
import { BackupProblem, type Facts, type Header } from "./format.ts";

/** Facts are null where the functions that tell them are missing: no Farebox, or a half-applied one. */
export type RestoreTarget = { facts: Facts | null };

export async function readRestoreTarget(sql: Sql): Promise<RestoreTarget> {
  const [row] = await sql`select to_regprocedure('public.export_facts()') is not null as known`;
  if (row?.["known"] !== true) return { facts: null };
  return await sql.begin(async (transaction) => ({
    facts: await databaseSource(transaction).facts(),
  })) as RestoreTarget;
}

/** Which migrations to apply before the rows are loaded: none, or up to this one. */
export type Before = { kind: "none" } | { kind: "migrate"; last: string | null };

/**
 * Decides what has to be applied first.
 * @throws BackupProblem when the backup is of a newer Farebox than this one.
 */
export async function planMigrations(header: Header, target: RestoreTarget): Promise<Before> {
  const newest = await newestMigration();
  if (header.migration !== null && header.migration > newest) {
    throw new BackupProblem(
      `The backup is of a newer Farebox (migration ${header.migration}; this one has ${newest}): ` +
        "restore it with that version. Nothing was done.",
    );
  }
  if (target.facts === null) return { kind: "migrate", last: header.migration };
  const applied = target.facts.migration;
  if (header.migration !== null && applied !== null && applied < header.migration) {
    return { kind: "migrate", last: header.migration };
  }
  return { kind: "none" };
}

/**
 * Whether the tables are those of the backup.
 * @throws BackupProblem that says what to do.
 */
export function requireSameTables(header: Header, facts: Facts): void {
  const missing = header.tables.filter(({ name }) => !facts.tables.some((t) => t.name === name));
  // Where one is not recorded nobody knows which is older.
  const isOlder = header.migration !== null && facts.migration !== null &&
    header.migration < facts.migration;
  const different = differentTables(header, facts);
  if (different.length === 0) return;
  if (isOlder) {
    throw new BackupProblem(
      `The backup is of an older Farebox (migration ${header.migration}; the target has ` +
        `${facts.migration}), whose tables are others: ${
          different.join(", ")
        }. Remove Farebox from ` +
        "the target (`farebox remove`), or take an empty project: there the restore applies the " +
        "backup's own migrations first and the newer ones afterwards. Nothing was done.",
    );
  }
  throw new BackupProblem(
    missing.length > 0
      ? `The target is damaged: it has no ${missing.map(({ name }) => name).join(", ")}. Remove ` +
        "what is left with supabase/rollback/remove_farebox.sql and restore again. Nothing was done."
      : `The tables of the target are not those of the backup: ${different.join(", ")}. Take an ` +
        "empty project, or the Farebox that made the backup. Nothing was done.",
  );
}

/** The tables that are not the same, column by column. */
function differentTables(header: Header, facts: Facts): string[] {
  const shape = (tables: Header["tables"]) =>
    new Map(tables.map(({ name, columns }) => [
      name,
      columns.map(({ name, type }) => `${name} ${type}`).sort().join(),
    ]));
  const [ours, theirs] = [shape(header.tables), shape(facts.tables)];
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((name) => ours.get(name) !== theirs.get(name)).sort();
}
