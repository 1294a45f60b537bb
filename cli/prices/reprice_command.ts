import { BadArgument, requireCount, requireTime } from "../arguments.ts";
import { isConfirmed } from "../confirm.ts";
import { startProgress } from "../progress.ts";
import { stdoutPaint } from "../table.ts";
import type { Target } from "../target.ts";
import { formatUsd } from "../../shared/pricing/money.ts";
import { requireName } from "./choose.ts";
import { type Given, givePages, planPages, type RepriceRange, type Sums } from "./reprice_pages.ts";
import { givenText, planText } from "./reprice_text.ts";

export type RepriceOptions = {
  model: string;
  from: string;
  to: string;
  priceVersion?: string;
  yes: boolean;
  dryRun: boolean;
};

/** Shows what a wrong price came to, asks, and gives back what was paid too much. */
export async function reprice(target: Target, options: RepriceOptions): Promise<number> {
  const range = readRange(options);
  const bar = startProgress(100, "% of the time");
  const plan = await planPages(target, range, bar).finally(() => bar.stop());
  if (!target.json) {
    console.log(planText(plan, range, target.url, stdoutPaint()));
  }
  const isGiven = plan.total.over > 0n && !options.dryRun &&
    isConfirmed(target, options, `Give back $${formatUsd(plan.total.over)}?`);
  const given = isGiven ? await give(target, { ...range, version: plan.version }, plan) : null;
  if (target.json) console.log(JSON.stringify(resultJson(plan, given, options)));
  else if (given !== null) console.log(givenText(given, stdoutPaint()));
  else if (options.dryRun) console.log("A dry run: nothing was given back.");

  return given !== null || plan.total.over === 0n || options.dryRun ? 0 : 1;
}

function readRange(options: RepriceOptions): RepriceRange {
  const from = requireTime("--from", options.from);
  const to = requireTime("--to", options.to);
  if (from >= to) {
    throw new BadArgument(`--from ${options.from} is not before --to ${options.to}.`);
  }
  return {
    ...requireName(options.model),
    from,
    to,
    version: options.priceVersion === undefined
      ? null
      : requireCount("--price-version", options.priceVersion, 1, 999_999_999_999),
  };
}

async function give(target: Target, range: RepriceRange, plan: Plan): Promise<Given> {
  const bar = startProgress(plan.total.requests, "charges");
  return await givePages(target, range, bar).finally(() => bar.stop());
}

type Plan = Awaited<ReturnType<typeof planPages>>;

/** Amounts in USD, as decimal strings. */
function resultJson(plan: Plan, given: Given | null, options: RepriceOptions) {
  return {
    dry_run: options.dryRun,
    model: options.model,
    price_version: plan.version,
    total: sumsJson(plan.total),
    guests: sumsJson(plan.guests),
    users: [...plan.users].map(([userId, sums]) => ({ user_id: userId, ...sumsJson(sums) })),
    given: given && {
      refunds: given.refunds,
      amount: formatUsd(given.amount),
    },
  };
}

function sumsJson({ requests, cost, rightCost, paid, over, under }: Sums) {
  return {
    requests,
    cost: formatUsd(cost),
    right_cost: formatUsd(rightCost),
    paid: formatUsd(paid),
    over: formatUsd(over),
    under: formatUsd(under),
  };
}
