/** `farebox`: what moves or explains credit. The commands themselves are loaded when they run. */
import { type Command, Option } from "commander";
import type { Run } from "./run.ts";

/** Registers the commands with the program. */
export function addCreditCommands(program: Command, run: Run): void {
  addProofs(program, run);
  addGrants(program, run);
  program.command("refund <request>")
    .description("Gives back what a request was charged, or a part of it.")
    .requiredOption(
      "--key <key>",
      "what caused it, such as a support case; the same key refunds once",
    )
    .option("--amount <usd>", "a part; default: all that is left")
    .option("--reason <text>", "shown on the receipt", "Refund")
    .option("--dry-run", "only say what would be done", false)
    .addHelpText("after", "\nExample: farebox refund 8d0f… --key case-77 --amount 0.5\n")
    .action((request, options) =>
      run(async (target) => (await ledgerCommands()).refund(target, request, options))
    );
  program.command("receipt <request>").alias("receipts")
    .description("Explains a charge: token classes, unit prices, basis, balance before and after.")
    .addHelpText(
      "after",
      "\nThe request's id is in its answer's x-request-id. Exit code 1 when there is no such charge.\n" +
        "\nExample: farebox receipt 8d0f…\n",
    )
    .action((request) => run(async (target) => (await ledgerCommands()).receipt(target, request)));
}

function addProofs(program: Command, run: Run): void {
  program.command("reconcile")
    .description("Proves the ledger: balance = credits - charges, reserved = open reservations.")
    .addHelpText(
      "after",
      "\nExit code 1 when there is a violation.\n\nExample: farebox --json reconcile\n",
    )
    .action(() => run(async (target) => (await ledgerCommands()).reconcile(target)));
  program.command("sweep")
    .description(
      "Settles or releases reservations whose worker is dead. pg_cron does it by itself.",
    )
    .addHelpText("after", "\nExample: farebox sweep\n")
    .action(() => run(async (target) => (await ledgerCommands()).sweep(target)));
}

const KEY: [string, string] = [
  "--key <key>",
  "what caused it, such as a payment's id; the same key counts once",
];
const DRY_RUN: [string, string, boolean] = ["--dry-run", "only say what would be done", false];

function addGrants(program: Command, run: Run): void {
  program.command("grant <user> <amount>")
    .description("Grants credit to a user, once a key.")
    .requiredOption(...KEY)
    .addOption(new Option("--kind <kind>").choices(["grant", "top_up"]).default("grant"))
    .option("--note <text>", "shown on the user's statement")
    .option(...DRY_RUN)
    .addHelpText("after", "\nExample: farebox grant 8d0f… 5 --key invoice-1042 --kind top_up\n")
    .action((user, amount, options) =>
      run(async (target) => (await ledgerCommands()).grant(target, user, amount, options))
    );
  program.command("adjust <user> <amount>")
    .description("Corrects a balance, up or down, once a key; never below what is available.")
    .requiredOption(...KEY)
    .requiredOption("--note <text>", "why; shown on the user's statement")
    .option(...DRY_RUN)
    .addHelpText(
      "after",
      '\nExample: farebox adjust 8d0f… -2.5 --key case-78 --note "Credited twice on 3 May"\n',
    )
    .action((user, amount, options) =>
      run(async (target) =>
        (await ledgerCommands()).grant(target, user, amount, { ...options, kind: "adjustment" })
      )
    );
}

/** Loaded when one of them runs: what asks no ledger starts without its client. */
async function ledgerCommands() {
  return await import("./ledger_commands.ts");
}
