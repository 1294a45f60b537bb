/** `deno task farebox`: the operator's tool. Commands are read here; each room does one thing. */
import { Command, CommanderError, Option } from "commander";
import { addAlertCommands } from "./alerts.ts";
import { addBackfillCommands } from "./backfill.ts";
import { addBackupCommands } from "./backup.ts";
import { addCreditCommands } from "./credit.ts";
import { addDoctorCommands } from "./doctor.ts";
import { addMeterCommand } from "./meter.ts";
import { addPriceCommands } from "./prices.ts";
import { addSettingsCommands } from "./settings.ts";
import type { Target, TargetOptions } from "./target.ts";
import { addUsageCommands } from "./usage.ts";
import { addUserCommands } from "./users.ts";

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
  .addHelpText(
    "after",
    "\nExit codes: 0 done · 1 not done, or something wrong found · 2 bad usage.",
  )
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

await program.parseAsync(["deno", "farebox", ...Deno.args]).catch(exitAsUsage);

async function run(command: (target: Target) => Promise<number>): Promise<void> {
  const { runCommand } = await import("./run_command.ts");
  await runCommand(program.opts<TargetOptions>(), command);
}

/** What was typed is no command: 2, as shells have it; help that was asked for is no error. */
function exitAsUsage(error: unknown): void {
  if (!(error instanceof CommanderError)) throw error;
  Deno.exitCode = error.exitCode === 0 ? 0 : 2;
}
