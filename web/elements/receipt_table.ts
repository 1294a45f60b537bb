/** The lines of a receipt, and how they add up to its cost. */
import type { Receipt } from "../client/types.ts";
import { parseAmount } from "./amount.ts";
import { make } from "./dom.ts";
import { formatCost, formatCount } from "./money_text.ts";
import type { ReceiptFacts, ReceiptLine } from "./receipt_facts.ts";
import { classWords, percentText } from "./receipt_words.ts";
import { HIDDEN_CLASS } from "./styles.ts";

export function receiptTable(receipt: Receipt, facts: ReceiptFacts): HTMLTableElement {
  const head = make(
    "tr",
    {},
    make("th", { scope: "col" }, "Used"),
    make("th", { scope: "col" }, "Tokens"),
    make("th", { scope: "col", class: "rate" }, "Price per 1,000"),
    make("th", { scope: "col" }, "Cost"),
  );
  return make(
    "table",
    { part: "table" },
    make("caption", { class: HIDDEN_CLASS }, "What the cost is made of"),
    make("thead", {}, head),
    make("tbody", {}, ...facts.lines.map(lineRow), feeRow(facts)),
    make("tfoot", {}, ...sumRows(receipt, facts)),
  );
}

function lineRow(line: ReceiptLine): HTMLTableRowElement {
  const price = line.price_per_1k ?? line.fee ?? null;
  const rate = price === null ? "no price" : formatCost(price);
  const unit = line.count === undefined ? "per 1,000" : "each";
  return make(
    "tr",
    { part: "line", "data-class": line.class },
    make(
      "th",
      { scope: "row" },
      classWords(line.class),
      line.model === undefined ? null : make("span", { class: "of" }, line.model),
      // Where there is no room for a column; hidden from readers never twice.
      make("span", { class: "of rate-below" }, `${rate} ${unit}`),
    ),
    make("td", {}, formatCount(line.tokens ?? line.count ?? 0)),
    make("td", { class: "rate" }, line.count === undefined ? rate : `${rate} ${unit}`),
    make("td", {}, formatCost(line.cost)),
  );
}

function feeRow({ requestFee }: ReceiptFacts): HTMLTableRowElement | null {
  if (requestFee === null) return null;
  return make(
    "tr",
    { part: "line", "data-class": "request_fee" },
    make("th", { scope: "row" }, "Fee per request"),
    make("td", {}),
    make("td", { class: "rate" }),
    make("td", {}, formatCost(requestFee)),
  );
}

function sumRows(receipt: Receipt, facts: ReceiptFacts): HTMLTableRowElement[] {
  const rows: HTMLTableRowElement[] = [];
  const add = (name: string, amount: string, kind: string) => {
    rows.push(
      make(
        "tr",
        { class: kind, "data-row": kind },
        make("th", { scope: "row" }, name),
        make("td", {}),
        make("td", { class: "rate" }),
        make("td", {}, amount),
      ),
    );
  };
  if (facts.subtotal !== null) {
    const isMarkup = receipt.markup_basis_points > 0;
    const sign = (parseAmount(facts.difference) ?? 0n) > 0n ? "+" : "";
    add("Sum", formatCost(facts.subtotal), "sum");
    add(
      isMarkup ? `Markup of ${percentText(receipt.markup_basis_points)}` : "Rounding",
      sign + formatCost(facts.difference),
      "markup",
    );
  }
  add("Total", formatCost(receipt.cost), "total");
  return rows;
}
