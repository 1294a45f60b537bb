/** The list of charges, each with its receipt. */
import type { UsageRecord } from "../client/types.ts";
import { parseAmount } from "./amount.ts";
import { basisMeaning, basisWord } from "./basis_words.ts";
import { tokensIn } from "./chat_cost_messages.ts";
import { make, makeButton } from "./dom.ts";
import { formatCost, formatCount } from "./money_text.ts";
import { cell, ListTable } from "./usage_list.ts";
import { localTimeText, recordKey, recordKindWords, utcTimeText } from "./usage_words.ts";

export interface RecordsOrder {
  readonly receipt: (requestId: string) => void;
  readonly emptyText: () => string;
  readonly refused: () => void;
}

const COLUMNS = [
  { name: "Time", class: "time" },
  { name: "Model", class: "model" },
  { name: "Tokens in", class: "number tokens" },
  { name: "Tokens out", class: "number tokens" },
  { name: "Basis", class: "basis" },
  { name: "Cost", class: "number cost" },
  { name: "Receipt", class: "action" },
];

export function recordsTable(order: RecordsOrder): ListTable<UsageRecord> {
  return new ListTable<UsageRecord>({
    things: "requests",
    caption: "Requests, the newest first",
    columns: COLUMNS,
    keyOf: recordKey,
    rowOf: (record) => recordRow(record, order.receipt),
    emptyText: order.emptyText,
    refused: order.refused,
  });
}

function recordRow(
  record: UsageRecord,
  receipt: (requestId: string) => void,
): HTMLTableRowElement {
  const kind = record.kind === "charge"
    ? null
    : make("span", { class: "kind" }, recordKindWords(record.kind));
  const isOwed = (parseAmount(record.uncollected) ?? 0n) > 0n;
  const owed = isOwed
    ? make("span", { class: "owed" }, `${formatCost(record.uncollected)} of it not taken`)
    : null;
  const button = makeButton(
    "Receipt",
    {
      class: "link receipt",
      part: "receipt",
      "aria-label": `Receipt of ${localTimeText(record.created_at)}, ${formatCost(record.cost)}`,
    },
    () => receipt(record.request_id),
  );
  return make(
    "tr",
    { role: "row", part: "row", "data-request-id": record.request_id, "data-kind": record.kind },
    cell("Time", "time", timeOf(record.created_at)),
    cell("Model", "model", record.model, kind),
    cell("Tokens in", "number tokens", formatCount(tokensIn(record.tokens))),
    cell("Tokens out", "number tokens", formatCount(record.tokens.output)),
    cell(
      "Basis",
      "basis",
      make("span", { title: basisMeaning(record.basis) }, basisWord(record.basis)),
    ),
    cell("Cost", "number cost", formatCost(record.cost), owed),
    cell("Receipt", "action", button),
  );
}

/** Where the reader is; in UTC when it is pointed at. */
export function timeOf(time: string): HTMLTimeElement {
  return make("time", { datetime: time, title: utcTimeText(time) }, localTimeText(time));
}
