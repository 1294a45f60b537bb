/** `farebox backup check`: whether a file is a whole backup. Needs no database. */
import { recordCommand } from "../../local/migrate.ts";
import { migrationVersions } from "./apply_migrations.ts";
import { tellTables } from "./backup_command.ts";
import { checkBackup } from "./read_file.ts";

/** @throws BackupProblem naming what is wrong with the file. */
export async function check(path: string, json: boolean): Promise<number> {
  const { header, footer } = await checkBackup(path);
  const tables = Object.fromEntries(
    Object.entries(footer.tables).map(([name, { rows }]) => [name, rows]),
  );
  const { content, migration, created_at: createdAt } = header;
  if (json) {
    const { moved, sha256 } = footer;
    console.log(
      JSON.stringify({ file: path, content, migration, createdAt, moved, sha256, tables }),
    );
    return 0;
  }
  tellTables(tables);
  console.log(
    `✓ ${path} is whole: ${content}, of ${createdAt}, migration ${migration ?? "not recorded"}.`,
  );
  if (migration === null) {
    console.log(
      "  Its migrations were applied by hand, and nothing records them. A restore into an empty project " +
        "applies those of this Farebox. To record them there, when all were applied:\n  " +
        recordCommand(await migrationVersions()),
    );
  }
  if (footer.moved !== false) {
    console.log("  It was read through the Data API, perhaps while the ledger moved.");
  }
  return 0;
}
