/** `farebox alerts …` and `farebox incidents`. The commands themselves are loaded when they run. */
import { type Command, Option } from "commander";
import { BadArgument } from "./arguments.ts";
import type { Run } from "./run.ts";

const ALERTS_HELP = `
Every rule with what it sees now. It fires above its threshold, is told once, and not again until its
cool-down is over. Messages go to ALERT_WEBHOOK_URL of the function pricing-health; where none is set
an alert is a line "Alert: {…}" of its log. --deliver is what a scheduler calls every minute where
pg_cron does not (billing.schedule_alerts); it also delivers users' low balances to
BALANCE_WEBHOOK_URL.

Exit codes: 0 all quiet, or delivered · 1 a rule is above its threshold, or with --deliver: something
could not be delivered · 2 bad usage.

Examples:
  farebox alerts
  farebox alerts --deliver
  farebox alerts --deliver --dry-run
  farebox alerts set failed_deductions --threshold 20 --window 30 --cooldown 120
  farebox alerts set price_age --enabled no
  farebox alerts test
`;

/** Registers the commands with the program. */
export function addAlertCommands(program: Command, run: Run): void {
  const alerts = program.command("alerts")
    .description(
      "What an operator should know of now: rules, their state; also set, test, schedule.",
    )
    .option("--deliver", "evaluate, and deliver through the project's pricing-health", false)
    .option("--dry-run", "with --deliver: only say what would be delivered", false)
    .addHelpText("after", ALERTS_HELP)
    .action((options) =>
      run(async (target) => {
        if (options.dryRun && !options.deliver) {
          throw new BadArgument(
            "--dry-run goes with --deliver; without it `farebox alerts` only looks.",
          );
        }
        return options.deliver
          ? (await import("./alerts/deliver.ts")).deliver(target, options)
          : (await import("./alerts/show.ts")).show(target);
      })
    );
  alerts.command("set <rule>")
    .description("Changes a rule; what is not named stays.")
    .option("--threshold <count>", "fires above it")
    .option("--window <minutes>", "how far back incidents count")
    .option("--cooldown <minutes>", "for how long it is not told again")
    .addOption(new Option("--enabled <yes|no>").choices(["yes", "no"]))
    .option("--dry-run", "only show what would change", false)
    .addHelpText("after", "\nExample: farebox alerts set missing_price --cooldown 240\n")
    .action((rule, _, command: Command) =>
      run(async (target) =>
        // --dry-run is an option of `alerts` too, which takes it wherever it stands.
        (await import("./alerts/set.ts")).set(target, rule, command.optsWithGlobals())
      )
    );
  alerts.command("test")
    .description("Sends a test message to each webhook that is set.")
    .addHelpText("after", "\nExit code 1 when it did not arrive.\n\nExample: farebox alerts test\n")
    .action(() =>
      run(async (target) => (await import("./alerts/deliver.ts")).testWebhooks(target))
    );
  alerts.command("schedule")
    .description("Lets the database evaluate and deliver every minute: pg_cron, pg_net and Vault.")
    .option("--secret-name <name>", "of the secret key in Vault", "farebox_secret_key")
    .option("--off", "removes the job", false)
    .option("--dry-run", "tries it, and takes it back", false)
    .addHelpText("after", SCHEDULE_HELP)
    .action((_, command: Command) =>
      run(async (target) =>
        (await import("./alerts/schedule.ts")).schedule(target, command.optsWithGlobals())
      )
    );
  addIncidents(program, run);
}

const SCHEDULE_HELP = `
Needs --db-url. The local stack needs no job: its own timer evaluates and delivers every minute.
The job holds no key: it reads the one that you put into Vault, in the SQL editor:
  select vault.create_secret('sb_secret_…', 'farebox_secret_key');

Example: farebox alerts schedule --db-url postgresql://postgres:…@db.<ref>.supabase.co:5432/postgres
`;

const INCIDENTS_HELP = `
Newest first. What alerts count is here, and what they do not: expired reservations, changed settings.

Examples:
  farebox incidents --since 24h
  farebox incidents --kind missing_price --since 7d --limit 200
  farebox --json incidents --since 2026-11-22T06:00:00Z
`;

function addIncidents(program: Command, run: Run): void {
  program.command("incidents")
    .description("What happened that an operator should know of.")
    .option("--kind <kind>", "of one kind, such as missing_price")
    .option("--since <time>", "30m, 24h, 7d, or a time such as 2026-11-22T06:00:00Z")
    .option("--limit <count>", "so many at most, up to 1000", "50")
    .addHelpText("after", INCIDENTS_HELP)
    .action((options) =>
      run(async (target) => (await import("./alerts/incidents.ts")).incidents(target, options))
    );
}
