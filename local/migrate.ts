/**
 * Applies `supabase/migrations` as `supabase db push` does: in order, each in a transaction, as role
 * `postgres`, recorded in `supabase_migrations.schema_migrations` where the Supabase CLI looks too.
 */
import { join } from "node:path";
import postgres from "postgres";
import { splitStatements } from "./sql_statements.ts";

export interface Migration {
  /** The digits before the first underscore of the file's name. */
  readonly version: string;
  readonly name: string;
  readonly file: string;
  readonly statements: readonly { readonly text: string; readonly line: number }[];
}

/** Says which file, and which statement of it, and what PostgreSQL answered. */
export class MigrationFailed extends Error {
  override readonly name = "MigrationFailed";
}

/** The folder's migrations by version. Files of another form of name are ignored, as the CLI does. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const [, version, name] = /^(\d+)_(.*)\.sql$/.exec(entry.name) ?? [];
    if (!entry.isFile || version === undefined || name === undefined) continue;
    const statements = splitStatements(await Deno.readTextFile(join(folder, entry.name)));
    migrations.push({ version, name, file: entry.name, statements });
  }
  return migrations.sort((a, b) => a.version < b.version ? -1 : 1);
}

/**
 * Applies what is missing.
 * @param url connection string of role `postgres`.
 * @returns the files that were applied now.
 * @throws MigrationFailed when a statement fails (its whole file is rolled back) or when a file that
 * was applied has changed since.
 */
export async function migrate(url: string, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const sql = postgres(url, { max: 1, onnotice: () => {}, prepare: false });
  try {
    await sql.unsafe(HISTORY_SQL).simple();
    const history = await sql<{ version: string; statements: string[] | null }[]>`
      select version, statements from supabase_migrations.schema_migrations`;
    const applied = new Map(history.map((row) => [row.version, row.statements]));
    refuseChanged(migrations, applied);
    const missing = migrations.filter((migration) => !applied.has(migration.version));
    for (const migration of missing) {
      await apply(sql, migration, missing.slice(missing.indexOf(migration)));
    }
    return missing.map((migration) => migration.file);
  } finally {
    await sql.end();
  }
}

const HISTORY_SQL = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (
    version text primary key,
    statements text[],
    name text
  );
`;

/** Only text counts: a comment between statements may change. */
function refuseChanged(
  migrations: readonly Migration[],
  applied: ReadonlyMap<string, readonly string[] | null>,
): void {
  for (const { version, file, statements } of migrations) {
    const before = applied.get(version);
    if (before === undefined || before === null) continue;
    const changed = statements.findIndex((statement, i) => statement.text !== before[i]);
    if (changed === -1 && statements.length === before.length) continue;
    const where = changed === -1 ? "at its end" : `at line ${statements[changed]!.line}`;
    throw new MigrationFailed(
      `Cannot migrate: ${file} was applied before and has changed since, ${where}. ` +
        `Put it back and write a new migration, or start over with --fresh.`,
    );
  }
}

/**
 * The official CLI's command that records migrations as applied without running them. --yes, as where
 * it cannot ask it does nothing.
 */
export function recordCommand(versions: readonly string[]): string {
  return `supabase migration repair --status applied ${versions.join(" ")} ` +
    "--remote=<connection string> --yes";
}

/** A relation, a function, or another object is there already. */
const IS_THERE = ["42P07", "42723", "42710"];

/** `unrecorded`: this migration and all after it. */
async function apply(
  sql: postgres.Sql,
  migration: Migration,
  unrecorded: readonly Migration[],
): Promise<void> {
  await sql.begin(async (transaction) => {
    for (const statement of migration.statements) {
      try {
        await transaction.unsafe(statement.text).simple();
      } catch (error) {
        const isThere = error instanceof postgres.PostgresError && IS_THERE.includes(error.code);
        throw new MigrationFailed(
          explain(migration.file, statement, error) +
            (isThere ? explainUnrecorded(unrecorded.map(({ version }) => version)) : ""),
        );
      }
    }
    await transaction`
      insert into supabase_migrations.schema_migrations (version, statements, name)
      values (
        ${migration.version},
        ${migration.statements.map((statement) => statement.text)},
        ${migration.name}
      )`;
  });
}

/** What else stands in the database may be applied by hand too, or not: who did it knows. */
function explainUnrecorded(versions: readonly string[]): string {
  return "\nWhat it makes is there already, though no record says that it was applied: somebody ran it by " +
    "hand. Where the database runs, record those that were run; not recorded are:\n" +
    `  ${recordCommand(versions)}\n` +
    "`farebox doctor` on a stack that still runs says whether all of them were. A local stack that does " +
    "not start any more begins anew with --fresh, which forgets its data.";
}

function explain(file: string, statement: { text: string; line: number }, error: unknown): string {
  const parts = [`Cannot apply ${file}, statement at line ${statement.line}`];
  if (error instanceof postgres.PostgresError) {
    if (error.position !== undefined) {
      const before = statement.text.slice(0, Number(error.position) - 1).split("\n").length - 1;
      parts[0] += ` (error at line ${statement.line + before})`;
    }
    parts.push(`${error.message} (${error.code})`);
    if (error.detail) parts.push(error.detail);
    if (error.hint) parts.push(error.hint);
  } else {
    parts.push(error instanceof Error ? error.message : String(error));
  }
  const shown = statement.text.length > 400 ? `${statement.text.slice(0, 400)} …` : statement.text;
  return `${parts.join(": ")}\n${shown}`;
}
