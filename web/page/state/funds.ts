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
    known.value = balance;
  });
}
