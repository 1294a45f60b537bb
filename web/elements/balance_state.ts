/** What `<farebox-balance>` says of a balance: its state and its sentences. */
import type { Balance } from "../client/types.ts";
import { parseAmount } from "./amount.ts";
import { formatBalance, formatCost, formatCount } from "./money_text.ts";

/** Reflected by `<farebox-balance>` as its attribute `state`. */
export type BalanceState = "normal" | "warning" | "critical" | "guest" | "loading" | "error";

/** Below these the state changes; decimal USD. */
export interface Thresholds {
  readonly warning: string | null;
  readonly critical: string | null;
}

const WARNING_USD = "1";
const CRITICAL_USD = "0.10";

/** Exact to the last digit: a balance of `1.0000000000` is not below a threshold of 1. */
export function stateOf(balance: Balance, thresholds: Thresholds): BalanceState {
  if (balance.kind === "guest") return "guest";
  const units = parseAmount(balance.balance) ?? 0n;
  if (units < threshold(thresholds.critical, CRITICAL_USD)) return "critical";
  return units < threshold(thresholds.warning, WARNING_USD) ? "warning" : "normal";
}

/** A threshold that is no decimal number is as good as none: the default holds. */
function threshold(given: string | null, otherwise: string): bigint {
  return parseAmount(given) ?? parseAmount(otherwise) ?? 0n;
}

/** The words over the figure: colour alone tells nobody enough. */
export function labelOf(balance: Balance, state: BalanceState): string {
  if (balance.kind === "guest") return "Guest";
  if (state === "normal") return "Balance";
  if (state === "warning") return "Balance is low";
  return isUsedUp(balance.balance) ? "Balance is used up" : "Balance almost used up";
}

/** For a screen reader, when the state has changed; not at every charge. */
export function announcementOf(balance: Balance, state: BalanceState): string {
  if (balance.kind === "guest") return guestText(balance.exchanges);
  return `${labelOf(balance, state)}: ${formatBalance(balance.balance)}`;
}

/** The whole of it, with all digits. */
export function spokenBalance(balance: Balance): string {
  if (balance.kind === "guest") return guestText(balance.exchanges);
  const short = formatBalance(balance.balance);
  const exact = formatCost(balance.balance);
  return `Balance: ${short}${short === exact ? "" : `, to the last digit ${exact}`}`;
}

export function guestText(
  { left, limit }: { readonly left: number; readonly limit: number },
): string {
  if (left <= 0) return "No free messages left";
  return `${formatCount(left)} of ${formatCount(limit)} free messages left`;
}

/** What is said below: what is held, or when there is more for a guest; null for nothing. */
export function noteOf(balance: Balance): string | null {
  if (balance.kind === "user") {
    if (balance.reserved === null || (parseAmount(balance.reserved) ?? 0n) <= 0n) return null;
    return `${formatCost(balance.reserved)} held for running answers`;
  }
  const { left, window_ends_at: endsAt } = balance.exchanges;
  if (left > 0 || endsAt === null) return null;
  const form = { dateStyle: "medium", timeStyle: "short" } as const;
  return `More from ${new Date(endsAt).toLocaleString(undefined, form)}`;
}

/** Whether a user's balance is less than it was. */
export function hasFallen(before: Balance | null, now: Balance): boolean {
  return before?.kind === "user" && now.kind === "user" &&
    (parseAmount(now.balance) ?? 0n) < (parseAmount(before.balance) ?? 0n);
}

function isUsedUp(balance: string): boolean {
  return (parseAmount(balance) ?? 0n) <= 0n;
}
