/**
 * Farebox's elements, for any framework and for none.
 *
 *     defineFareboxElements();
 *     provideFarebox(createFarebox({ supabase, url, publishableKey }));
 */
import { defineFareboxBalance } from "./balance.ts";
import { defineFareboxChatCost } from "./chat_cost.ts";
import { defineFareboxReceipt } from "./receipt.ts";
import { defineFareboxUsage } from "./usage.ts";

export { defineFareboxBalance, FareboxBalance } from "./balance.ts";
export type { BalanceState } from "./balance_state.ts";
export { type ChatCostState, defineFareboxChatCost, FareboxChatCost } from "./chat_cost.ts";
export type { AddCreditsDetail, ReceiptDetail, SignUpDetail } from "./events.ts";
export { formatApprox, formatBalance, formatCost, formatCount } from "./money_text.ts";
export { defineFareboxReceipt, FareboxReceipt, type ReceiptState } from "./receipt.ts";
export { provideFarebox, whenFarebox } from "./registry.ts";
export { defineFareboxUsage, FareboxUsage, type UsageState } from "./usage.ts";

/** Registers all elements; more than once does no harm, and on a server neither. */
export function defineFareboxElements(): void {
  defineFareboxBalance();
  defineFareboxChatCost();
  defineFareboxReceipt();
  defineFareboxUsage();
}
