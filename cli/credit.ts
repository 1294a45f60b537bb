/** `farebox`: what moves or explains credit. The commands themselves are loaded when they run. */
import { type Command, Option } from "commander";
import type { Run } from "./run.ts";

/** Registers the commands with the program. */
export function addCreditCommands(program: Command, run: Run): void {
  program.command("reconcile")
    .description("Proves the ledger: balance = credits - charges, reserved = open reservations.")
    .addHelpText("after", "\nExit code 1 when there is a violation.\n")
    .action(() => run(async (target) => (await ledgerCommands()).reconcile(target)));

  program.command("grant <user> <amount>")
    .description("Grants credit to a user, once a key.")
    .requiredOption(
      "--key <key>",
      "what caused it, such as a payment's id; the same key grants once",
    )
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
    .description(
      "Settles or releases reservations whose worker is dead. pg_cron does it by itself.",
    )
    .action(() => run(async (target) => (await ledgerCommands()).sweep(target)));
}

/** Loaded when one of them runs: what asks no ledger starts without its client. */
async function ledgerCommands() {
  return await import("./ledger_commands.ts");
}
