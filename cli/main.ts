/** `deno task farebox`: the operator's tool. Commands are read here; each room does one thing. */
import { Command, CommanderError, Help, Option } from "commander";
import { addAlertCommands } from "./alerts.ts";
import { addBackfillCommands } from "./backfill.ts";
import { addBackupCommands } from "./backup.ts";
import { addCreditCommands } from "./credit.ts";
import { addDoctorCommands } from "./doctor.ts";
import { errorJson } from "./error_json.ts";
import { addMeterCommand } from "./meter.ts";
import { addPriceCommands } from "./prices.ts";
import { addSettingsCommands } from "./settings.ts";
import type { Target, TargetOptions } from "./target.ts";
import { addUsageCommands } from "./usage.ts";
import { addUserCommands } from "./users.ts";

const HELP = `
Exit codes: 0 done · 1 not done, or something wrong found · 2 bad usage · 3 \`prices sync\` held a price
back.

With --json an error is one document too, on stdout: {"error": {"code", "message"}}; its sentence stays on
stderr. code is the ledger's own, such as CONFLICT, or BAD_ARGUMENT, TARGET_MISSING, NOT_CONFIRMED,
LEDGER_UNAVAILABLE, DATABASE_ERROR, FILE_ERROR, BACKUP_PROBLEM.`;

const program = new Command("farebox")
  .description("Operates a Farebox: the local stack that runs, or a project by URL and secret key.")
  .option("--url <url>", "the project's URL (default: SUPABASE_URL, else the local stack)")
  .addOption(
    new Option("--secret-key <key>", "a secret key of it (default: SUPABASE_SECRET_KEY)"),
  )
  .option("--publishable-key <key>", "a publishable key of it (default: SUPABASE_PUBLISHABLE_KEY)")
  .option("--db-url <url>", "its connection string, where needed (default: SUPABASE_DB_URL)")
  .option("--data <folder>", "folder of the local stack", ".farebox")
  .option("--json", "print JSON, for scripts", false)
  .showHelpAfterError("(--help says what it takes.)")
  .configureHelp({ optionDescription: describeOption })
  .addHelpText("after", HELP)
  .exitOverride();

addDoctorCommands(program, run);
addCreditCommands(program, run);
addUserCommands(program, run);
addUsageCommands(program, run);
addSettingsCommands(program, run);
addPriceCommands(program, run);
addAlertCommands(program, run);
addBackupCommands(program, run);
addBackfillCommands(program, run);
addMeterCommand(program);

if (Deno.args.length === 0) program.outputHelp();
else await program.parseAsync(["deno", "farebox", ...Deno.args]).catch(exitAsUsage);

async function run(command: (target: Target) => Promise<number>): Promise<void> {
  const { runCommand } = await import("./run_command.ts");
  await runCommand(program.opts<TargetOptions>(), command);
}

/** What was typed is no command: 2, as shells have it; help that was asked for is no error. */
function exitAsUsage(error: unknown): void {
  if (!(error instanceof CommanderError)) throw error;
  Deno.exitCode = error.exitCode === 0 ? 0 : 2;
  if (error.exitCode !== 0 && Deno.args.includes("--json")) {
    console.log(errorJson("BAD_ARGUMENT", error.message.replace(/^error: /, "")));
  }
}

/** As commander has it, and whether a command can do without. */
function describeOption(option: Option): string {
  const text = Help.prototype.optionDescription.call(new Help(), option);
  return option.mandatory ? `${text} (required)`.trim() : text;
}
