/** What an answer cost, to the last digit. */
import type { ChatCost } from "../../client/types.ts";
import { formatCost, formatCount } from "../../elements/money_text.ts";
import { costsAwaited } from "../state/conversation_cost.ts";
import type { Message } from "../state/types.ts";

export function CostLine({ message }: { readonly message: Message }) {
  const { cost, model, requestId } = message;
  if (cost === null) {
    if (requestId === null || !costsAwaited.value.has(requestId)) return null;
    return <span class="cost">Looking up the cost…</span>;
  }
  const parts = [amountOf(cost), tokensOf(cost), model, cost.basis === "estimated" && "estimated"];
  return (
    <span class="cost" data-testid="cost">
      {parts.filter((part): part is string => typeof part === "string").join(" · ")}
    </span>
  );
}

/** A guest has no account that could have receipts. */
export function hasReceipt({ cost }: Message): boolean {
  return cost !== null && cost.balance !== null;
}

function amountOf({ cost, balance, collected }: ChatCost): string {
  if (/^0*\.?0*$/.test(cost)) return `${formatCost(cost)}, nothing was charged`;
  // Only a user's charge leaves a balance.
  if (balance === null) return `Free for you, worth ${formatCost(cost)}`;
  if (collected === undefined || collected === cost) return formatCost(cost);
  return `${formatCost(cost)}, of which ${formatCost(collected)} was taken`;
}

function tokensOf({ tokens }: ChatCost): string | null {
  if (tokens === null) return null;
  const input = tokens.input + tokens.cache_read + tokens.cache_write_5m + tokens.cache_write_1h;
  return `${formatCount(input)} in, ${formatCount(tokens.output)} out`;
}
