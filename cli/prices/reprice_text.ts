/** What a wrong price came to, for people. Pure. */
import { formatUsd } from "../../shared/pricing/money.ts";
import { type Cell, type Paint, table } from "../table.ts";
import { counted } from "../usd.ts";
import type { Given, Plan, RepriceRange, Sums } from "./reprice_pages.ts";

/** As many users as fit a screen or two; --json has them all. */
const USERS_SHOWN = 50;

export function planText(plan: Plan, range: RepriceRange, url: string, paint: Paint): string {
  const { users, guests, total, version } = plan;
  const name = `${range.providerId}:${range.modelId}`;
  const lines = [
    `Charges of ${name} at ${url} from ${range.from.toISOString()} to ${range.to.toISOString()}, ` +
    `at price version ${version}. USD, with markup.\n`,
  ];
  if (total.requests === 0) return `${lines.join("")}There are none.`;
  const largest = [...users].sort(([, one], [, other]) => byAmount(other, one));
  const rows = largest.slice(0, USERS_SHOWN).map(([userId, sums]) => rowOf(userId, sums));
  if (users.size > rows.length) {
    rows.push([["dim", `and ${users.size - rows.length} users more; --json has them all`]]);
  }
  if (guests.requests > 0) rows.push(rowOf(["dim", "guests (pay nothing)"], guests));
  rows.push(rowOf(["bold", "total"], total));
  const columns = ["USER", "CHARGES", "COST", "RIGHT COST", "PAID", "TOO MUCH", "TOO LITTLE"];
  lines.push(
    ...table(
      columns.map((title, index) => ({ title, align: index === 0 ? "left" : "right" })),
      rows,
      paint,
    ),
    "",
  );
  if (total.over === 0n) lines.push(`${paint("green", "✓")} Nobody has paid too much.`);
  else {
    const count = [...users.values()].filter(({ over }) => over > 0n).length;
    lines.push(
      `${count} ${count === 1 ? "user has" : "users have"} paid $${
        formatUsd(total.over)
      } too much.`,
    );
  }
  if (total.under > 0n) {
    lines.push(`$${formatUsd(total.under)} too little was charged: it is not taken.`);
  }
  return lines.join("\n");
}

export function givenText({ refunds, amount }: Given, paint: Paint): string {
  const what = refunds === 1 ? "refund" : "refunds";
  return `${paint("green", "✓")} $${formatUsd(amount)} was given back, in ${refunds} ${what}.`;
}

function byAmount(one: Sums, other: Sums): number {
  const size = ({ over, under }: Sums) => over > under ? over : under;
  return size(one) < size(other) ? -1 : size(one) > size(other) ? 1 : 0;
}

function rowOf(name: Cell, { requests, cost, rightCost, paid, over, under }: Sums): Cell[] {
  const found = (amount: bigint): Cell =>
    amount === 0n ? "–" : ["yellow", formatUsd(amount)] as const;
  return [
    name,
    counted(requests),
    formatUsd(cost),
    formatUsd(rightCost),
    formatUsd(paid),
    found(over),
    found(under),
  ];
}
