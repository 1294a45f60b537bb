/** `deno task farebox`: the operator's tool. Commands are read here; each room does one thing. */
import { Command, Option } from "commander";
import { addMeterCommand } from "./meter.ts";
import { addPriceCommands } from "./prices.ts";
import type { Target, TargetOptions } from "./target.ts";

const program = new Command("farebox")
  .description("Operates a Farebox: the local stack that runs, or a project by URL and secret key.")
  .option("--url <url>", "the project's URL (default: SUPABASE_URL, else the local stack)")
  .addOption(
    new Option("--secret-key <key>", "a secret key of it (default: SUPABASE_SECRET_KEY)"),
  )
  .option("--data <folder>", "folder of the local stack", ".farebox")
  .option("--json", "print JSON, for scripts", false)
  .showHelpAfterError();

program.command("reconcile")
  .description("Proves the ledger: balance = credits - charges, reserved = open reservations.")
  .addHelpText("after", "\nExit code 1 when there is a violation.\n")
  .action(() => run(async (target) => (await ledgerCommands()).reconcile(target)));

program.command("grant <user> <amount>")
  .description("Grants credit to a user, once a key.")
  .requiredOption("--key <key>", "what caused it, such as a payment's id; the same key grants once")
  .addOption(
    new Option("--kind <kind>").choices(["grant", "top_up", "adjustment"]).default("grant"),
  )
  .option("--note <text>", "shown on the user's statement")
  .option("--dry-run", "only say what would be done", false)
  .addHelpText("after", "\nExample: farebox grant 8d0f… 5 --key invoice-1042 --kind top_up\n")
  .action((user, amount, options) =>
    run(async (target) => (await ledgerCommands()).grant(target, user, amount, options))
  );

program.command("refund <request>")
  .description("Gives back what a request was charged, or a part of it.")
  .requiredOption(
    "--key <key>",
    "what caused it, such as a support case; the same key refunds once",
  )
  .option("--amount <usd>", "a part; default: all that is left")
  .option("--reason <text>", "shown on the receipt", "Refund")
  .option("--dry-run", "only say what would be done", false)
  .action((request, options) =>
    run(async (target) => (await ledgerCommands()).refund(target, request, options))
  );

program.command("receipt <request>")
  .description("Explains a charge: token classes, unit prices, basis, balance before and after.")
  .action((request) => run(async (target) => (await ledgerCommands()).receipt(target, request)));

program.command("sweep")
  .description("Settles or releases reservations whose worker is dead. pg_cron does it by itself.")
  .action(() => run(async (target) => (await ledgerCommands()).sweep(target)));

addPriceCommands(program, run);
addMeterCommand(program);

await program.parseAsync(["deno", "farebox", ...Deno.args]);

/** Loaded when one of them runs: what asks no ledger starts without its client. */
async function ledgerCommands() {
  return await import("./ledger_commands.ts");
}

async function run(command: (target: Target) => Promise<number>): Promise<void> {
  const { runCommand } = await import("./run_command.ts");
  await runCommand(program.opts<TargetOptions>(), command);
}
