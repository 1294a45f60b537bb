/** `farebox backfill`: what it takes. The command itself is loaded when it runs. */
import type { Command } from "commander";
import type { Run } from "./run.ts";

const HELP = `
The log is what the functions print, in any of these forms, packed with gzip or not: plain lines, with
times, levels and the function's tag before them, JSON lines or one JSON array with event_message (or message) and timestamp, or
CSV with such columns, as the log explorer of Supabase exports it. Lines that say "unsettled" count,
everything else is passed over: \`Failed to deduct balance\`, \`Settling is retried\` and
\`Settling takes long\`. With --recorded, \`Usage recorded\` counts too, to rebuild the charges after a database was lost.

Each request is charged once, however often it is in the log, was charged already, or is charged at
the same moment: the first of its lines counts, for they all say the same. Where its reservation is
still there, it is settled by it. Where not, at the price of when it began and the markup of now;
collected is what the user has, the rest is recorded as uncollected. What was recorded at another cost
than it would have here is listed and not charged, unless --at-other-cost lets it.

A log is believed: give it only what chat-proxy has printed. Lines in which its words stand elsewhere
than at the beginning are passed over.

Exit codes: 0 all is settled · 1 nothing was charged as lines cannot be read or nobody said yes, or
some requests were refused (the others are charged) · 2 bad usage.

Examples:
  farebox backfill --from functions.log --dry-run
  farebox backfill --from logs.csv --yes
  gzip -dc logs-*.json.gz | farebox backfill --from - --recorded --yes
`;

/** Registers the command with the program. */
export function addBackfillCommands(program: Command, run: Run): void {
  program.command("backfill")
    .description("Charges usage that could not be settled, from the log of the functions.")
    .requiredOption("--from <log>", "a file, or - for what comes in")
    .option("--recorded", "also what was settled then, to rebuild a ledger that was lost", false)
    .option("--at <time>", "when lines were written that do not say so")
    .option("--skip-unreadable", "charge the rest where lines cannot be read", false)
    .option("--at-other-cost", "charge also what was recorded at another cost", false)
    .option("--dry-run", "only say what would be charged", false)
    .option("--yes", "charge without asking", false)
    .addHelpText("after", HELP)
    .action((options) =>
      run(async (target) =>
        (await import("./backfill/backfill_command.ts")).backfill(target, options)
      )
    );
}
