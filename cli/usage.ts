/** `farebox`: what was used, and what running this costs. The commands are loaded when they run. */
import { type Command, Option } from "commander";
import type { Run } from "./run.ts";

/** Registers the commands with the program. */
export function addUsageCommands(program: Command, run: Run): void {
  const usage = program.command("usage").description("What was used: report.");
  usage.command("report")
    .description("Requests, tokens and money of everybody, by user, model or day.")
    .addOption(
      new Option("--by <what>", "a line for each").choices(["user", "model", "day"])
        .makeOptionMandatory(),
    )
    .option("--from <day>", "from this day on, such as 2026-11-01 (UTC)")
    .option("--to <day>", "up to this day, and with it")
    .option("--csv", "comma-separated values, without the total", false)
    .addHelpText("after", REPORT_HELP)
    .action((options) =>
      run(async (target) => (await import("./usage/report.ts")).report(target, options))
    );
  addEstimate(program, run);
}

const REPORT_HELP = `
Amounts are exact, to ten decimals. cost is what was used; of it, collected was paid by users, and what
guests used and what a balance did not cover is uncollected. refunded was given back, whenever that was.
Users and models come by their cost, days in order.

Examples:
  farebox usage report --by model --from 2026-11-01 --to 2026-11-30
  farebox usage report --by user --csv > november.csv
`;

const ESTIMATE_HELP = `
Counts rows and bytes a record as measured on this target where it has 1,000 charges or more, else as
measured by us. Asks the target how much is there already. The models' own bill is not in it: that is
what your users pay for.

Examples:
  farebox estimate --users 10000 --requests-per-day 30000
  farebox --json estimate --users 500 --requests-per-day 2000 --answer-tokens 800 --chat-history
`;

function addEstimate(program: Command, run: Run): void {
  program.command("estimate")
    .description("What a month would cost at Supabase: rows, storage, egress, invocations.")
    .requiredOption("--users <count>", "who sign in within a month")
    .requiredOption("--requests-per-day <count>", "chat requests of all of them together")
    .option("--answer-tokens <count>", "tokens of a usual answer", "400")
    .option(
      "--prompt-bytes <count>",
      "bytes of a usual request; counts with --chat-history",
      "6000",
    )
    .option("--chat-history", "transcripts are kept (SAVE_CHAT_HISTORY)", false)
    .addHelpText("after", ESTIMATE_HELP)
    .action((options) =>
      run(async (target) => (await import("./usage/estimate.ts")).estimate(target, options))
    );
}
