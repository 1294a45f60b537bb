/** Repricing, page by page: what it would come to, and giving back. */
import * as z from "zod/mini";
import { parseUsd, type Usd } from "../../shared/pricing/money.ts";
import type { Progress } from "../progress.ts";
import type { Target } from "../target.ts";

export interface RepriceRange {
  readonly providerId: string;
  readonly modelId: string;
  readonly from: Date;
  /** Not in it. */
  readonly to: Date;
  /** Null: the price in force. */
  readonly version: number | null;
}

/** Of some charges, in USD with their markup: what they cost, and should have; what was paid. */
export interface Sums {
  requests: number;
  cost: Usd;
  rightCost: Usd;
  /** Collected and not refunded. */
  paid: Usd;
  /** Paid beyond the right cost. */
  over: Usd;
  /** What the price left out. */
  under: Usd;
}

export interface Plan {
  /** The right price. */
  readonly version: number;
  readonly users: ReadonlyMap<string, Sums>;
  readonly guests: Sums;
  readonly total: Sums;
}

export interface Given {
  refunds: number;
  amount: Usd;
}

const amount = z.string();
const Page = z.object({
  price_version: z.int(),
  users: z.array(z.object({
    user_id: z.nullable(z.string()),
    requests: z.int(),
    cost: amount,
    right_cost: amount,
    paid: amount,
    over: amount,
    under: amount,
  })),
  next: z.nullable(z.object({ after: z.string(), charged_at: z.string() })),
});
const GivenPage = z.extend(Page, {
  refunds: z.int(),
  refunded: amount,
});

/** Reads what repricing would come to; `progress` is in per cent of the range. */
export async function planPages(
  target: Pick<Target, "call">,
  range: RepriceRange,
  progress: Pick<Progress, "at">,
): Promise<Plan> {
  const users = new Map<string, Sums>();
  const [guests, total] = [nothing(), nothing()];
  let version = range.version;
  let after: string | null = null;
  do {
    // One version from the first page to the last, whatever is set meanwhile.
    const args = argsOf({ ...range, version }, after);
    const page: z.infer<typeof Page> = await target.call("reprice_plan", args, Page);
    version = page.price_version;
    for (const sums of page.users) {
      add(total, sums);
      if (sums.user_id === null) add(guests, sums);
      else {
        const user = users.get(sums.user_id) ?? nothing();
        users.set(sums.user_id, user);
        add(user, sums);
      }
    }
    after = page.next?.after ?? null;
    if (page.next !== null) progress.at(percentOf(range, page.next.charged_at));
  } while (after !== null);
  return { version, users, guests, total };
}

/** Gives back, a page a transaction; `progress` is in charges. To be repeated where it was stopped. */
export async function givePages(
  target: Pick<Target, "call">,
  range: RepriceRange,
  progress: Pick<Progress, "at">,
): Promise<Given> {
  const given: Given = { refunds: 0, amount: 0n };
  let done = 0;
  let after: string | null = null;
  do {
    const page: z.infer<typeof GivenPage> = await target.call(
      "reprice_page",
      argsOf(range, after),
      GivenPage,
    );
    given.refunds += page.refunds;
    given.amount += parseUsd(page.refunded);
    done += page.users.reduce((sum, { requests }) => sum + requests, 0);
    progress.at(done);
    after = page.next?.after ?? null;
  } while (after !== null);
  return given;
}

function argsOf(range: RepriceRange, after: string | null): Record<string, unknown> {
  return {
    p_provider_id: range.providerId,
    p_model_id: range.modelId,
    p_from: range.from.toISOString(),
    p_to: range.to.toISOString(),
    p_version: range.version,
    p_after: after,
  };
}

function percentOf({ from, to }: RepriceRange, at: string): number {
  const part = (Date.parse(at) - from.getTime()) / (to.getTime() - from.getTime());
  return Math.min(Math.max(Math.round(part * 100), 0), 100);
}

function nothing(): Sums {
  return { requests: 0, cost: 0n, rightCost: 0n, paid: 0n, over: 0n, under: 0n };
}

function add(sums: Sums, more: z.infer<typeof Page>["users"][number]): void {
  sums.requests += more.requests;
  sums.cost += parseUsd(more.cost);
  sums.rightCost += parseUsd(more.right_cost);
  sums.paid += parseUsd(more.paid);
  sums.over += parseUsd(more.over);
  sums.under += parseUsd(more.under);
}
