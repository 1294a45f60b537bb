/** This repository's migrations, all of them or up to one, on a database. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { migrate, MigrationFailed, readMigrations } from "../../local/migrate.ts";
import { BackupProblem } from "./format.ts";

const MIGRATIONS = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));

/** Of all that this Farebox has, oldest first. */
export async function migrationVersions(): Promise<string[]> {
  return (await readMigrations(MIGRATIONS)).map(({ version }) => version);
}

/** The newest that this Farebox has. */
export async function newestMigration(): Promise<string> {
  return (await migrationVersions()).at(-1)!;
}

/**
 * Applies what is missing.
 * @param last the last one to apply; null: all.
 * @throws BackupProblem naming the statement that failed.
 */
export async function applyMigrations(url: string, last: string | null): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-migrations-" });
  try {
    for (const { file, version } of await readMigrations(MIGRATIONS)) {
      if (last !== null && version > last) continue;
      await Deno.copyFile(join(MIGRATIONS, file), join(folder, file));
    }
    return await migrate(url, folder);
  } catch (error) {
    if (!(error instanceof MigrationFailed)) throw error;
    throw new BackupProblem(
      `Farebox's migrations cannot be applied here. ${error.message}\nIf what is there is a damaged ` +
        "Farebox, remove it with supabase/rollback/remove_farebox.sql and restore again.",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
