import type { PriceWrite } from "../../shared/credit/prices.ts";
import { BadArgument } from "../arguments.ts";
import { isConfirmed } from "../confirm.ts";
import { accepted } from "../ledger_answers.ts";
import type { Target } from "../target.ts";
import { openCatalogue } from "./catalogue.ts";
import { candidatesOf, requireName } from "./choose.ts";
import { notePricesChecked } from "./note_checked.ts";
import { isQuarantined, type Plan, planPrices, writesOf } from "./plan.ts";
import { planJson } from "./plan_json.ts";
import { models, planText } from "./plan_text.ts";
import { openSecondSource } from "./second_source.ts";
import { type Paint, stdoutPaint } from "../table.ts";
import type { Unit } from "./wording.ts";
import { WHEN_SEEN } from "./when_seen.ts";

export type SyncOptions = {
  provider: string[];
  model: string[];
  all: boolean;
  only: boolean;
  accept: string[];
  secondSource?: string;
  catalogue?: string;
  per: Unit;
  yes: boolean;
  dryRun: boolean;
};

/** Nothing was written that should have been: nobody said yes. */
const UNCONFIRMED = 1;
const QUARANTINED = 3;

/** Shows the difference, asks, and writes all of it or nothing. */
export async function sync(target: Target, options: SyncOptions): Promise<number> {
  const plan = await readPlan(target, options);
  const writes = writesOf(plan);
  const paint = stdoutPaint();
  if (!target.json) {
    const unit = options.per === "1k" ? "1,000" : "million";
    console.log(`Prices of ${target.url} against ${plan.source}, USD per ${unit} tokens.\n`);
    console.log(planText(plan, options.per, paint));
  }
  const mayWrite = writes.length > 0 && !options.dryRun &&
    isConfirmed(
      target,
      options,
      `Write the price of ${writes.length} model${writes.length === 1 ? "" : "s"}?`,
    );
  const written = mayWrite ? accepted(await target.prices.set(writes)) : [];
  report(target, plan, options, writes.length, written, paint);
  if (writes.length > 0 && !options.dryRun && !mayWrite) return UNCONFIRMED;
  if (plan.prices.some(isQuarantined)) return QUARANTINED;
  if (!options.dryRun) await notePricesChecked(target);
  return 0;
}

async function readPlan(target: Target, options: SyncOptions): Promise<Plan> {
  if (options.only && options.provider.length + options.model.length === 0) {
    throw new BadArgument("--only looks at what --provider or --model names: name something.");
  }
  const [catalogue, secondSource] = await Promise.all([
    openCatalogue(options.catalogue),
    options.secondSource === undefined ? null : openSecondSource(options.secondSource),
  ]);
  const rows = accepted(await target.prices.list());
  const candidates = candidatesOf(rows, catalogue, options);
  const names = new Set(candidates.map((one) => `${one.providerId}:${one.modelId}`));
  for (const name of options.accept) {
    requireName(name);
    if (!names.has(name)) {
      throw new BadArgument(
        `--accept names ${name}, which this sync does not look at: name it with --model too.`,
      );
    }
  }
  const acceptedNames = new Set(options.accept);
  const now = new Date();
  return planPrices({
    catalogue,
    candidates,
    sold: rows,
    secondSource,
    accepted: acceptedNames,
    now,
  });
}

function report(
  target: Target,
  plan: Plan,
  options: SyncOptions,
  planned: number,
  written: readonly PriceWrite[],
  paint: Paint,
): void {
  const held = plan.prices.filter(isQuarantined).length;
  if (target.json) {
    const result = { dry_run: options.dryRun, written, ...planJson(plan) };
    console.log(JSON.stringify(result));
    return;
  }
  if (written.length > 0) {
    const added = written.filter(({ state }) => state === "added").length;
    const changed = written.filter(({ state }) => state === "changed").length;
    console.log(paint("green", `✓ ${changed} changed, ${added} added, in one transaction.`));
    console.log(WHEN_SEEN);
  } else if (planned === 0) {
    console.log(held === 0 ? "✓ Nothing to write." : "Nothing to write.");
  } else if (options.dryRun) {
    console.log(`A dry run: ${models(planned)} to be written, and nothing was.`);
  } else {
    console.error("Nothing was written.");
  }
  if (held > 0) console.error(paint("yellow", `! ${models(held)} held back, see above.`));
}
