import * as z from "zod/mini";
import { formatUsd, parseUsd } from "../../shared/pricing/money.ts";
import { requireAmount, requireCount } from "../arguments.ts";
import { errorJson } from "../error_json.ts";
import { isConfirmed } from "../confirm.ts";
import { print } from "../ledger_answers.ts";
import { startProgress } from "../progress.ts";
import type { Target } from "../target.ts";
import { counted, usd } from "../usd.ts";

export type InitUsersOptions = { amount: string; page: string; dryRun: boolean; yes: boolean };

const Counts = z.object({
  users: z.number(),
  anonymous: z.number(),
  already: z.number(),
  due: z.number(),
});
type Counts = z.infer<typeof Counts>;

const Page = z.object({
  granted: z.number(),
  already: z.number(),
  anonymous: z.number(),
  /** The id after which the next page begins. */
  last: z.nullable(z.string()),
  done: z.boolean(),
});

type Sums = { granted: number; already: number; anonymous: number };

/** Users in one transaction: each holds their accounts until it ends. */
const PAGE_MAX = 5_000;

/** Counts, asks, and grants page by page. Each page is one transaction, so any moment may be the last. */
export async function initUsers(target: Target, options: InitUsersOptions): Promise<number> {
  requireAmount(options.amount, false);
  const pageSize = requireCount("--page", options.page, 1, PAGE_MAX);
  const counts = await target.call("users_count", {}, Counts);
  const total = usd(formatUsd(parseUsd(options.amount) * BigInt(counts.due)));
  if (!target.json) console.log(countsText(target, counts));
  if (options.dryRun || counts.due === 0) {
    print(
      target,
      { dry_run: options.dryRun, amount: options.amount, granted: 0, ...counts },
      () =>
        counts.due === 0
          ? "✓ Everybody has theirs: nothing to grant."
          : `Would grant ${usd(options.amount)} each, ${total} in all.`,
    );
    return 0;
  }
  const question = `Grant ${usd(options.amount)} to ${counted(counts.due)} users, ${total} in all?`;
  if (!isConfirmed(target, options, question)) {
    if (target.json) console.log(errorJson("NOT_CONFIRMED", `${question} Say so with --yes.`));
    return 1;
  }
  const sums = await grantPages(target, options.amount, pageSize, counts.users);
  const spent = usd(formatUsd(parseUsd(options.amount) * BigInt(sums.granted)));
  print(
    target,
    { dry_run: false, amount: options.amount, ...sums },
    () =>
      `✓ ${counted(sums.granted)} users were granted ${
        usd(options.amount)
      } each, ${spent} in all; ` +
      `${counted(sums.already)} had their credit before, ${counted(sums.anonymous)} are anonymous.`,
  );
  return 0;
}

function countsText(target: Target, { users, due, already, anonymous }: Counts): string {
  return `${target.url} has ${counted(users)} users: ${counted(due)} are due the credit, ` +
    `${counted(already)} have had theirs, ${
      counted(anonymous)
    } are anonymous and get it when they ` +
    "sign up.";
}

async function grantPages(
  target: Target,
  amount: string,
  pageSize: number,
  users: number,
): Promise<Sums> {
  const sums: Sums = { granted: 0, already: 0, anonymous: 0 };
  const progress = startProgress(users, "users");
  let after: string | null = null;
  try {
    for (let done = false; !done;) {
      const page: z.infer<typeof Page> = await target.call("init_users", {
        p_amount: amount,
        p_after: after,
        p_limit: pageSize,
      }, Page);
      sums.granted += page.granted;
      sums.already += page.already;
      sums.anonymous += page.anonymous;
      progress.at(sums.granted + sums.already + sums.anonymous);
      [after, done] = [page.last, page.done];
    }
  } catch (error) {
    progress.stop();
    console.error(
      `Cut off after ${
        counted(sums.granted)
      } grants. Run the same command again: nobody is granted twice.`,
    );
    throw error;
  }
  progress.stop();
  return sums;
}
