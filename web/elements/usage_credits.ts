/** The list of credits: what was put into the account, and what was corrected. */
import type { Transaction } from "../client/types.ts";
import { parseAmount } from "./amount.ts";
import { make } from "./dom.ts";
import { formatCost } from "./money_text.ts";
import { cell, ListTable } from "./usage_list.ts";
import { timeOf } from "./usage_table.ts";
import { transactionKindWords } from "./usage_words.ts";

const COLUMNS = [
  { name: "Time", class: "time" },
  { name: "Kind", class: "model" },
  { name: "Note", class: "note" },
  { name: "Amount", class: "number cost" },
  { name: "Balance after", class: "number after" },
];

/** @param refused called where a guest asked. */
export function creditsTable(refused: () => void): ListTable<Transaction> {
  return new ListTable<Transaction>({
    things: "credits",
    caption: "Credits, the newest first",
    columns: COLUMNS,
    keyOf: ({ id }) => String(id),
    rowOf: creditRow,
    emptyText: () => "No credits yet.",
    refused,
  });
}

function creditRow(credit: Transaction): HTMLTableRowElement {
  const isIn = (parseAmount(credit.amount) ?? 0n) > 0n;
  return make(
    "tr",
    { role: "row", part: "row", "data-id": credit.id },
    cell("Time", "time", timeOf(credit.created_at)),
    cell("Kind", "model", transactionKindWords(credit.kind)),
    cell("Note", "note", credit.note ?? ""),
    cell(
      "Amount",
      `number cost ${isIn ? "in" : "out"}`,
      `${isIn ? "+" : ""}${formatCost(credit.amount)}`,
    ),
    cell("Balance after", "number after", formatCost(credit.balance_after)),
  );
}
