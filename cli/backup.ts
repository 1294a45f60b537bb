/** `farebox backup`, `restore` and `remove`: Farebox's rows out of a database, in again, and gone. */
import { type Command, Option } from "commander";
import { BadArgument } from "./arguments.ts";
import { errorJson } from "./error_json.ts";
import type { Run } from "./run.ts";
import type { TargetOptions } from "./target.ts";

/** Registers the commands with the program. */
export function addBackupCommands(program: Command, run: Run): void {
  const options = () => program.opts<TargetOptions>();
  addBackup(program, options, run);
  addRestore(program, options);
  addRemove(program, options);
}

function addBackup(program: Command, options: () => TargetOptions, run: Run): void {
  const backup = program.command("backup")
    .description(
      "Writes all rows of Farebox to one file. With a connection to the database (--db-url) they are of " +
        "one moment; through the Data API it says whether the ledger moved meanwhile.",
    )
    .option("--out <file>", "the file (default: farebox-backup-<time>, in this folder)")
    .addOption(
      new Option("--format <format>", "auto takes pg_dump where it is installed and new enough")
        .choices(["auto", "portable", "pg_dump"]).default("auto"),
    )
    .option("--dry-run", "say what would be written", false)
    .addHelpText("after", BACKUP_HELP)
    .action(async (_, command: Command) => {
      const asked = { ...command.opts<BackupFlags>(), json: options().json };
      const { findDatabaseUrl, onDatabase } = await import("./backup/database.ts");
      const commands = await import("./backup/backup_command.ts");
      await told(options().json, async () => {
        const url = await findDatabaseUrl(options());
        if (url !== null) {
          return await onDatabase(url, (sql) => commands.backupByDatabase(sql, url, asked));
        }
        const { apiSource } = await import("./backup/source.ts");
        await run((target) =>
          toldCode(options().json, () => commands.backupByApi(apiSource(target), asked))
        );
        return Number(Deno.exitCode);
      });
    });
  backup.command("check")
    .description("Says whether a file is a whole backup, and what is in it. Needs no database.")
    .argument("<file>", "a file of `farebox backup`")
    .addHelpText(
      "after",
      "\nExample:\n  farebox backup check ledger.jsonl.gz\n\nExit code 1: not whole.",
    )
    .action(async (file: string) => {
      const { check } = await import("./backup/check_command.ts");
      await told(options().json, () => check(file, options().json));
    });
}

interface BackupFlags {
  out?: string;
  format: "auto" | "portable" | "pg_dump";
  dryRun: boolean;
}

const BACKUP_HELP = `
Examples:
  farebox backup --db-url "$SUPABASE_DB_URL" --out ledger.jsonl.gz
  farebox backup --url https://<ref>.supabase.co --secret-key sb_secret_… --json

Exit codes: 0 written, 1 not written, 2 bad usage.`;

function addRestore(program: Command, options: () => TargetOptions): void {
  program.command("restore")
    .description(
      "Puts a backup in place of what a database has, whole or not at all, and reconciles. An empty " +
        "project gets the migrations first. Needs --db-url: no function of the API rewrites a ledger.",
    )
    .argument("<file>", "a file of `farebox backup`")
    .option("--dry-run", "say what would be done", false)
    .option("--yes", "do not ask", false)
    .addHelpText("after", RESTORE_HELP)
    .action(async (file: string, flags: { dryRun: boolean; yes: boolean }) => {
      const { requireDatabaseUrl } = await import("./backup/database.ts");
      const { restore } = await import("./backup/restore_command.ts");
      await told(options().json, async () => {
        const url = await requireDatabaseUrl(options(), "A restore");
        return await restore(url, file, { ...flags, json: options().json });
      });
    });
}

const RESTORE_HELP = `
Examples:
  farebox restore ledger.jsonl.gz --db-url "$SUPABASE_DB_URL" --dry-run
  farebox restore ledger.jsonl.gz --db-url "$SUPABASE_DB_URL" --yes

Exit codes: 0 restored and reconciled, 1 nothing restored, 2 bad usage.`;

function addRemove(program: Command, options: () => TargetOptions): void {
  program.command("remove")
    .description(
      "Removes Farebox from a database, and nothing else, when the backup holds what is there now.",
    )
    .requiredOption("--backup <file>", "a file of `farebox backup`, made just now")
    .option("--dry-run", "compare, and remove nothing", false)
    .option("--yes", "do not ask", false)
    .addHelpText("after", REMOVE_HELP)
    .action(async (flags: { backup: string; dryRun: boolean; yes: boolean }) => {
      const { requireDatabaseUrl } = await import("./backup/database.ts");
      const { remove } = await import("./backup/remove_command.ts");
      await told(options().json, async () => {
        const url = await requireDatabaseUrl(options(), "Removing");
        return await remove(url, { ...flags, json: options().json });
      });
    });
}

const REMOVE_HELP = `
Example:
  farebox remove --backup ledger.jsonl.gz --db-url "$SUPABASE_DB_URL"

Exit codes: 0 removed, 1 nothing removed, 2 bad usage.`;

/** Runs a command whose problems are sentences, and sets the exit code. */
async function told(json: boolean, command: () => Promise<number>): Promise<void> {
  Deno.exitCode = await toldCode(json, command);
}

async function toldCode(json: boolean, command: () => Promise<number>): Promise<number> {
  const { BackupProblem } = await import("./backup/format.ts");
  try {
    return await command();
  } catch (error) {
    const isUsage = error instanceof BadArgument;
    if (!isUsage && !(error instanceof BackupProblem)) throw error;
    console.error(error.message);
    if (json) console.log(errorJson(isUsage ? "BAD_ARGUMENT" : "BACKUP_PROBLEM", error.message));
    return isUsage ? 2 : 1;
  }
}
