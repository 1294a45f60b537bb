/** The figures over a usage page: what the range came to. */
import type { UsageSums } from "../client/types.ts";
import { amountText, parseAmount } from "./amount.ts";
import { tokensIn } from "./chat_cost_messages.ts";
import { make } from "./dom.ts";
import { formatApprox, formatCost, formatCount } from "./money_text.ts";

const FIGURES = [
  ["cost", "Total cost"],
  ["requests", "Requests"],
  ["average", "Per request"],
  ["tokens-in", "Tokens in"],
  ["tokens-out", "Tokens out"],
] as const;

/** @param total null while it is loading. */
export function totalsList(total: UsageSums | null): HTMLDListElement {
  const texts = total === null ? null : textsOf(total);
  return make(
    "dl",
    { class: "totals", part: "totals", "aria-busy": total === null ? "true" : null },
    ...FIGURES.map(([name, label]) =>
      make(
        "div",
        { class: `figure figure-${name}`, part: `figure figure-${name}`, "data-figure": name },
        make("dt", {}, label),
        make("dd", {}, texts === null ? make("span", { class: "bone" }) : texts[name]),
      )
    ),
  );
}

function textsOf(total: UsageSums): Record<typeof FIGURES[number][0], string> {
  return {
    cost: formatCost(total.cost),
    requests: formatCount(total.requests),
    average: averageText(total),
    "tokens-in": formatCount(tokensIn(total.tokens)),
    "tokens-out": formatCount(total.tokens.output),
  };
}

function averageText({ cost, requests }: UsageSums): string {
  const units = parseAmount(cost);
  if (units === null || requests === 0) return "–";
  return `≈ ${formatApprox(amountText(units / BigInt(requests)))}`;
}
