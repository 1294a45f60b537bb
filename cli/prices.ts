/**
 * `farebox prices …`: what each command takes. The commands themselves are loaded when they run, as
 * the catalogue is half a megabyte.
 */
import { type Command, Option } from "commander";
import { WHEN_SEEN } from "./prices/when_seen.ts";
import type { Run } from "./run.ts";

const collect = (value: string, previous: string[]) => [...previous, value];
const per = () =>
  new Option("--per <unit>", "tell token prices per million or per 1k").choices(["million", "1k"]);
const CATALOGUE: [string, string] = [
  "--catalogue <file or URL>",
  "a newer data.json of genai-prices instead of the packaged one",
];

/** Registers the commands with the program. */
export function addPriceCommands(program: Command, run: Run): void {
  const prices = program.command("prices").description(
    "Prices of models: sync, list, set, check, history, reprice.",
  );
  addSync(prices, run);
  addSet(prices, run);
  addReprice(prices, run);
  prices.command("list")
    .description("The current prices, with their age and where they come from.")
    .option("--provider <id>", "of one provider")
    .addOption(per().default("million"))
    .action((options) =>
      run(async (target) => (await import("./prices/list_command.ts")).list(target, options))
    );
  prices.command("check")
    .description("Compares every price with the catalogue. Changes none.")
    .option("--provider <id>", "of one provider")
    .option("--ignore-operator", "pass over what `prices set` set", false)
    .option(...CATALOGUE)
    .addOption(per().default("million"))
    .addHelpText(
      "after",
      "\nExit code 1 when a price differs by more than 1 %, or the catalogue has one that is missing.\n",
    )
    .action((options) =>
      run(async (target) => (await import("./prices/check_command.ts")).check(target, options))
    );
  prices.command("history <model>")
    .description("Every version of a model's price: from when to when, and what changed.")
    .addOption(per().default("million"))
    .action((model, options) =>
      run(async (target) =>
        (await import("./prices/history_command.ts")).history(target, model, options)
      )
    );
}

const SYNC_HELP = `
Shows what would change, then asks; --yes answers. Everything is written in one transaction, or
nothing is. A request that is running is charged at the price it was reserved at.
${WHEN_SEEN}

Held back, and let through by --accept alone: a price that changes by more than 3×, that becomes
zero, or that the second source sees otherwise by more than 1 %. Prices that \`prices set\` set
(source operator) are left alone unless named with --accept. A price that the catalogue lacks is kept.
A price announced for a later day is shown, not applied. Where a price depends on the time of day the
dearest of the day counts. A new model is taken to hide its reasoning unless its family is known not
to; its context window is the most that it takes in.

Exit codes: 0 all is well · 1 nothing was written though something should be · 3 something was held
back (the rest was written).

Examples:
  farebox prices sync --dry-run
  farebox prices sync --model openai:gpt-5.1 --only --yes
  farebox prices sync --provider groq --second-source model_prices_and_context_window.json
  farebox prices sync --dry-run --catalogue \\
    https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json
`;

function addSync(prices: Command, run: Run): void {
  prices.command("sync")
    .description("Brings the prices up to date from the catalogue of genai-prices.")
    .option("--provider <id>", "also add the models of a provider (repeatable)", collect, [])
    .option("--model <provider:model>", "also add a model (repeatable)", collect, [])
    .option("--all", "also add the models of every known provider", false)
    .option("--only", "look at nothing but what --provider and --model name", false)
    .option("--accept <provider:model>", "let a held back price through (repeatable)", collect, [])
    .option("--second-source <file or URL>", "a price list in LiteLLM's format to check against")
    .option(...CATALOGUE)
    .addOption(per().default("million"))
    .option("--yes", "write without asking", false)
    .option("--dry-run", "never write", false)
    .addHelpText("after", SYNC_HELP)
    .action((options) =>
      run(async (target) => (await import("./prices/sync_command.ts")).sync(target, options))
    );
}

const SET_HELP = `
A value may be "none" where a price may be absent: the class then costs what it is part of. What is
not named stays as it is; a new model needs --input and --output. A price of tokens needs --per.

${WHEN_SEEN}

Example: farebox prices set openai:gpt-4o --per million --input 2.5 --output 10 --cache-read 1.25
`;

function addSet(prices: Command, run: Run): void {
  const set = prices.command("set <model>")
    .description("Sets the price of one model by hand.")
    .addOption(per())
    .option("--dry-run", "only show what would change", false);
  for (
    const name of [
      "input",
      "output",
      "cache-read",
      "cache-write-5m",
      "cache-write-1h",
      "input-audio",
      "input-image",
      "cache-read-audio",
      "output-audio",
      "output-image",
      "long-input",
      "long-output",
      "long-cache-read",
      "long-cache-write-5m",
      "long-cache-write-1h",
    ]
  ) set.option(`--${name} <usd>`);
  set
    .option("--web-search-fee <usd>", "USD a search")
    .option("--request-fee <usd>", "USD a request")
    .option("--long-context-threshold-tokens <count>", "longer prompts pay the --long prices")
    .option("--max-input-tokens <count>", "the context window")
    .option("--max-output-tokens <count>", "the longest answer")
    .option("--image-tokens-max <count>", "the most that one image costs in input tokens")
    .addOption(new Option("--hides-reasoning <yes|no>").choices(["yes", "no"]))
    .option("--display-name <name>", "for people")
    .addHelpText("after", SET_HELP)
    .action((model, options) =>
      run(async (target) => (await import("./prices/set_command.ts")).set(target, model, options))
    );
}

const REPRICE_HELP = `
After a wrong price. The right one is the one in force now, or the version that --price-version
names (\`farebox prices history\` lists them): set it first. Each charge of the model that was made in
[--from, --to) is computed anew at it, with the markup that it had. Who has paid more gets the
difference back, as a refund of that request; who has paid less is shown and nothing is taken. Guests
have paid nothing and are only shown.

A refund is made once for each request and version, and what was given back counts as not paid: the
command can be stopped, repeated, and run for times that overlap.

Exit codes: 0 nobody has paid too much (any more) · 1 something was not given back · 2 bad usage.

Examples:
  farebox prices reprice --model openai:gpt-4o --from 2026-11-20 --to 2026-11-22T16:04:00Z --dry-run
  farebox prices reprice --model openai:gpt-4o --from 2026-11-20 --to 2026-11-23 --yes
`;

function addReprice(prices: Command, run: Run): void {
  prices.command("reprice")
    .description("After a wrong price: what each user has paid too much, and gives it back.")
    .requiredOption("--model <provider:model>", "whose price was wrong")
    .requiredOption("--from <time>", "when the wrong price began to count")
    .requiredOption("--to <time>", "when it ended")
    .option("--price-version <number>", "the right price (default: the one in force)")
    .option("--yes", "give back without asking", false)
    .option("--dry-run", "only show", false)
    .addHelpText("after", REPRICE_HELP)
    .action((options) =>
      run(async (target) => (await import("./prices/reprice_command.ts")).reprice(target, options))
    );
}
