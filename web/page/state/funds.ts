/** What whoever uses the page can still spend: a balance, or a guest's free messages. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Balance } from "../../client/types.ts";
import { services } from "./services.ts";

const known = signal<Balance | null>(null);

/** Null until it is known. */
export const funds: ReadonlySignal<Balance | null> = known;

/** Follows it. @returns stops following. */
export function followFunds(): () => void {
  return services().farebox.onBalance((balance) => {
    // It is asked for again and again: what is the same moves nobody.
    if (JSON.stringify(balance) !== JSON.stringify(known.peek())) known.value = balance;
  });
}
