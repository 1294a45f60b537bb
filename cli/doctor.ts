/** `farebox doctor`: registered here; the checks are loaded when they run. */
import { type Command, Option } from "commander";
import type { Run } from "./run.ts";

const HELP = `
Each line is ✓, ! (a warning), – (skipped, and why) or ✗ with what to do.

Two users sign up as doctor-<random>@example.com, and are deleted where Auth has its admin API, and from
the local stack. They keep no credit. The cheapest model is asked one short question by one of them and one by a guest: a
fraction of a cent at your provider, said before it is spent; --skip-chat leaves that out.

Exit code 0: nothing is ✗; 1: something is; 2: bad usage.

Examples:
  farebox doctor
  farebox doctor --skip-chat --page https://app.example.com
  farebox doctor --only policies --only roles
  farebox doctor --model openai:gpt-4o-mini --json
`;

/** Registers the command with the program. */
export function addDoctorCommands(program: Command, run: Run): void {
  program.command("doctor")
    .description("Checks everything: keys, database, roles, functions, sign-up, a metered chat.")
    .addOption(
      new Option("--only <check>", "make this check alone, with what it needs; repeatable")
        .argParser(collect).default([], "all of them"),
    )
    .option("--skip-chat", "ask no model: nothing is spent", false)
    .option("--model <provider:model>", "ask this model, not the cheapest")
    .option("--page <url>", "the address of your page, to see whether it and its assets answer")
    .addOption(
      new Option("--hook-secret <secret>", "v1,whsec_…, to try a signed call of the sign-up hook")
        .env("BEFORE_USER_CREATED_HOOK_SECRET"),
    )
    .option("--dry-run", "only say what would be checked", false)
    .addHelpText("after", HELP)
    .action((options) =>
      run(async (target) => {
        const { doctor } = await import("./doctor/doctor_command.ts");
        const { hookSecretOf } = await import("./doctor/local_secrets.ts");
        const { only, skipChat, dryRun, model = null, page = null, hookSecret } = options;
        const ofStack = target.isLocal ? await hookSecretOf(program.opts().data) : null;
        return await doctor(target, {
          only,
          skipChat,
          dryRun,
          model,
          page,
          hookSecret: hookSecret ?? ofStack,
        });
      })
    );
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, ...value.split(",").map((name) => name.trim())];
}
