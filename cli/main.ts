/** `deno task farebox`: the operator's tool. Commands are read here; each room does one thing. */
import { Command, Option } from "commander";
import { isRefusal } from "../shared/edge/refusal.ts";
import { LedgerUnavailable } from "../shared/credit/ledger.ts";
import { BadArgument, grant, receipt, reconcile, refund, sweep } from "./ledger_commands.ts";
import { addPriceCommands } from "./prices.ts";
import { type Target, TargetMissing } from "./target.ts";

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
  .action(() => run(reconcile));

program.command("grant <user> <amount>")
  .description("Grants credit to a user, once a key.")
  .requiredOption("--key <key>", "what caused it, such as a payment's id; the same key grants once")
  .addOption(
    new Option("--kind <kind>").choices(["grant", "top_up", "adjustment"]).default("grant"),
  )
  .option("--note <text>", "shown on the user's statement")
  .option("--dry-run", "only say what would be done", false)
  .addHelpText("after", "\nExample: farebox grant 8d0f… 5 --key invoice-1042 --kind top_up\n")
  .action((user, amount, options) => run((target) => grant(target, user, amount, options)));

program.command("refund <request>")
  .description("Gives back what a request was charged, or a part of it.")
  .requiredOption(
    "--key <key>",
    "what caused it, such as a support case; the same key refunds once",
  )
  .option("--amount <usd>", "a part; default: all that is left")
  .option("--reason <text>", "shown on the receipt", "Refund")
  .option("--dry-run", "only say what would be done", false)
  .action((request, options) => run((target) => refund(target, request, options)));

program.command("receipt <request>")
  .description("Explains a charge: token classes, unit prices, basis, balance before and after.")
  .action((request) => run((target) => receipt(target, request)));

program.command("sweep")
  .description("Settles or releases reservations whose worker is dead. pg_cron does it by itself.")
  .action(() => run(sweep));

addPriceCommands(program, run);

await program.parseAsync(["deno", "farebox", ...Deno.args]);

/** Runs one command, and turns what can go wrong into a sentence and an exit code. */
async function run(command: (target: Target) => Promise<number>): Promise<void> {
  const { readTarget } = await import("./target.ts");
  try {
    Deno.exitCode = await command(
      await readTarget(
        program.opts<{ url?: string; secretKey?: string; data: string; json: boolean }>(),
      ),
    );
  } catch (error) {
    if (isRefusal(error)) console.error(`${error.message} (${error.code})`);
    else if (
      error instanceof TargetMissing || error instanceof BadArgument ||
      error instanceof LedgerUnavailable
    ) {
      console.error(error.message);
    } else throw error;
    Deno.exitCode = 1;
  }
}
