/** What is to be known of a charge beside its lines. */
import type { Receipt } from "../client/types.ts";
import { parseAmount } from "./amount.ts";
import { basisMeaning } from "./basis_words.ts";
import { type Child, make } from "./dom.ts";
import { formatCost } from "./money_text.ts";
import type { ReceiptFacts } from "./receipt_facts.ts";
import { flagWords, percentText } from "./receipt_words.ts";

/** @param copy the button beside the request id. */
export function receiptDetails(
  receipt: Receipt,
  facts: ReceiptFacts,
  copy: HTMLElement,
): HTMLDListElement {
  const list = make("dl", { part: "details" });
  const add = (name: string, ...words: Child[]) => {
    list.append(make("dt", {}, name), make("dd", {}, ...words));
  };
  if (receipt.balance_before !== null && receipt.balance_after !== null) {
    add("Balance before", formatCost(receipt.balance_before));
    add("Balance after", formatCost(receipt.balance_after));
  }
  if (facts.uncollected !== null) {
    const words = `${
      formatCost(facts.uncollected)
    } of this was not taken: the balance had no more.`;
    add("Not charged", make("span", { class: "owed" }, words));
  }
  if (facts.correction !== null) {
    const { cost, balance_before: before, balance_after: after, created_at: at } = facts.correction;
    const balance = before === null || after === null
      ? ""
      : `, balance ${formatCost(before)} to ${formatCost(after)}`;
    add("Corrected", `${signed(cost)}${balance}, `, timeOf(at), ". The lines have it in them.");
  }
  for (const refund of facts.refunds) {
    const isBack = (parseAmount(refund.amount) ?? 0n) >= 0n;
    const reason = refund.reason === null || refund.reason === "" ? "" : ` (${refund.reason})`;
    const amount = refund.amount.replace(/^-/, "");
    add(
      isBack ? "Refunded" : "Taken later",
      `${formatCost(amount)}${reason}, `,
      timeOf(refund.created_at),
    );
  }
  add("Counted", basisMeaning(receipt.basis));
  if (receipt.price_version !== null) {
    const since = receipt.price_effective_from;
    add(
      "Price",
      `Version ${receipt.price_version}`,
      ...(since === null ? [] : [", in force since ", timeOf(since)]),
      receipt.tier === "long_context" ? ", for long contexts" : null,
    );
  }
  if (receipt.markup_basis_points > 0) add("Markup", percentText(receipt.markup_basis_points));
  if (typeof receipt.service_tier === "string") add("Service tier", receipt.service_tier);
  for (const flag of facts.flags) add("Note", flagWords(flag));
  add("Request", make("code", { part: "request-id" }, receipt.request_id), copy);
  return list;
}

/** A moment, in the reader's own way of writing it. */
export function timeOf(iso: string): HTMLTimeElement {
  const at = new Date(iso);
  const isMoment = !Number.isNaN(at.getTime());
  const form = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return make("time", { datetime: iso }, isMoment ? form.format(at) : iso);
}

function signed(amount: string): string {
  return ((parseAmount(amount) ?? 0n) > 0n ? "+" : "") + formatCost(amount);
}
