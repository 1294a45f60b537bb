/** A receipt as a person reads it: what was used, at which price, and what it left. */
import * as z from "zod/mini";
import type { Receipt } from "../shared/credit/reports.ts";
import { formatUsd, parseUsd } from "../shared/pricing/money.ts";
import { type Cell, type Paint, table } from "./table.ts";
import { counted, usd } from "./usd.ts";

const amount = z.nullish(z.string());

/** What `receipt` answers beside what its schema names; SQL may add to it. */
const More = z.object({
  chat_id: z.nullish(z.string()),
  finish: z.nullish(z.string()),
  provider_request_id: z.nullish(z.string()),
  price_version: z.number(),
  price_effective_from: z.nullish(z.string()),
  markup_basis_points: z.number(),
  balance_before: amount,
  balance_after: amount,
  correction: z.nullish(z.object({
    cost: z.string(),
    collected: z.string(),
    balance_before: amount,
    balance_after: amount,
    created_at: z.string(),
  })),
  refunds: z.array(z.object({ amount: z.string(), reason: z.nullish(z.string()) })),
});
type More = z.infer<typeof More>;

const BASES = {
  reported: "reported by the provider",
  estimated: "estimated from the text that was delivered: the provider reported nothing",
  checkpoint: "of the last checkpoint: the worker died, and its correction has not come",
} as const;

/** Lines of text, without an end of line. */
export function receiptText(receipt: Receipt, paint: Paint): string {
  const more = z.parse(More, receipt);
  return [
    paint("bold", `Request ${receipt.request_id}`),
    ...facts(receipt, more).map(([name, text]) => `  ${name.padEnd(10)}${text}`),
    "",
    ...table(
      [
        { title: "used" },
        { title: "amount", align: "right" },
        { title: "price", align: "right" },
        { title: "cost", align: "right" },
      ],
      [...lines(receipt), ...sums(receipt, more)],
      paint,
    ),
    "",
    ...balances(more).map((line) => `  ${line}`),
  ].join("\n");
}

function facts(receipt: Receipt, more: More): [string, string][] {
  const model = receipt.tier === "long_context" ? `${receipt.model} (long context)` : receipt.model;
  const since = more.price_effective_from ? `, in force from ${more.price_effective_from}` : "";
  const all: [string, string | null | undefined][] = [
    ["user", receipt.user_id ?? "a guest, whose cost the house bears"],
    ["chat", more.chat_id],
    ["model", model],
    ["at", receipt.created_at],
    ["finish", more.finish],
    ["usage", BASES[receipt.basis]],
    ["price", `version ${more.price_version}${since}`],
    ["provider", more.provider_request_id],
    ["tier", receipt.service_tier],
    ["flags", receipt.flags?.join(", ")],
  ];
  return all.flatMap(([name, text]) => text ? [[name, text] as [string, string]] : []);
}

function lines(receipt: Receipt): Cell[][] {
  return (receipt.lines ?? []).map((line) => {
    const of = typeof line["model"] === "string" ? ` of ${line["model"]}` : "";
    const name = `${line.class.replaceAll("_", " ")}${of}`;
    // "web_search" lines have a count and a fee, all others tokens and a price.
    if ("fee" in line) {
      const fee = typeof line["fee"] === "string" ? usd(line["fee"]) : "no fee";
      return [name, `${counted(Number(line["count"]))} times`, fee, usd(line.cost)];
    }
    const price = `${usd(String(line["price_per_1k"]))} / 1k`;
    return [name, `${counted(Number(line["tokens"]))} tokens`, price, usd(line.cost)];
  });
}

function sums(receipt: Receipt, more: More): Cell[][] {
  const rows: Cell[][] = [];
  if (parseUsd(receipt.request_fee) !== 0n) {
    rows.push(["request", "1", usd(receipt.request_fee), usd(receipt.request_fee)]);
  }
  if (more.markup_basis_points !== 0) {
    rows.push([`markup of ${more.markup_basis_points / 100} %`, "", "", "within the cost"]);
  }
  rows.push([["bold", "cost"], "", "", ["bold", usd(receipt.cost)]]);
  if (parseUsd(receipt.uncollected) !== 0n && receipt.user_id !== null) {
    rows.push([["yellow", "not collected"], "", "", ["yellow", usd(receipt.uncollected)]]);
  }
  if (receipt.provider_cost !== null) {
    rows.push([["dim", "the provider says"], "", "", ["dim", usd(receipt.provider_cost)]]);
  }
  return rows;
}

function balances(more: More): string[] {
  const lines: string[] = [];
  if (more.balance_before && more.balance_after) {
    lines.push(`balance  ${usd(more.balance_before)} → ${usd(more.balance_after)}`);
  }
  if (more.correction) {
    const { balance_before, balance_after, cost, created_at } = more.correction;
    lines.push(
      `corrected by ${usd(cost)} at ${created_at}` +
        (balance_before && balance_after
          ? `: balance ${usd(balance_before)} → ${usd(balance_after)}`
          : ""),
    );
  }
  for (const { amount, reason } of more.refunds) {
    lines.push(`refunded ${usd(amount)}${reason ? `: ${reason}` : ""}`);
  }
  if (more.refunds.length > 1) {
    const sum = more.refunds.reduce((sum, refund) => sum + parseUsd(refund.amount), 0n);
    lines.push(`refunded in all ${usd(formatUsd(sum))}`);
  }
  return lines;
}
