/** `farebox settings`: switches, guard rails and amounts that change while everything runs. */
import type { Command } from "commander";
import type { Run } from "./run.ts";

const HELP = `
Settings count from the next request on, without a deploy; what the functions keep themselves
(cors_allowed_origins, save_chat_history, own_stored_items_only, early_start_loss_per_day_max)
within about 5 s. Of usage_tracking, balance_enforcement and the environment's switches of those
names, the weaker counts.

Examples:
  farebox settings
  farebox settings get minimum_balance
  farebox settings set daily_spend_per_user_max 5 requests_per_minute_max 60
`;

const SET_HELP = `
Amounts are USD, such as 5 or 0.25. Lists are joined by commas: openai:gpt-4o,anthropic:*. \`none\`
takes a limit away. Everything is changed in one transaction, or nothing is. Asks where billing
becomes weaker (tracking or enforcement off, a limit taken away), and of what looks like a slip: a
welcome_credit above 100, a daily_spend_per_user_max of 0.

Exit codes: 0 changed, or already so · 1 not changed · 2 bad usage.

Examples:
  farebox settings set balance_enforcement observe --dry-run
  farebox settings set allowed_models openai:gpt-4o,anthropic:* guest_models openai:gpt-4o-mini
  farebox settings set concurrent_requests_max none --yes
`;

/** Registers the commands with the program. */
export function addSettingsCommands(program: Command, run: Run): void {
  const settings = program.command("settings")
    .description("Switches, guard rails and amounts: what they are, and changing them.")
    .addHelpText("after", HELP)
    .action(() => run(async (target) => (await commands()).list(target)));
  settings.command("get <name>")
    .description("One value, alone on its line.")
    .addHelpText("after", "\nExample: farebox settings get minimum_balance\n")
    .action((name) => run(async (target) => (await commands()).get(target, name)));
  settings.command("set <pairs...>")
    .usage("<name> <value> [<name> <value>…] [options]")
    .description("Changes settings, and shows from what to what.")
    .option("--dry-run", "only show what would change", false)
    .option("-y, --yes", "do not ask", false)
    .addHelpText("after", SET_HELP)
    .action((pairs, options) =>
      run(async (target) => (await commands()).set(target, pairs, options))
    );
}

/** Loaded when one of them runs. */
async function commands() {
  return await import("./settings/commands.ts");
}
