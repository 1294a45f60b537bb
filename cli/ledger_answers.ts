/** What commands of the ledger are given, and how they tell what it answered. */
import { isRefusal, type Refusal } from "../shared/edge/refusal.ts";
import type { Target } from "./target.ts";

export type GrantOptions = {
  key: string;
  kind: "grant" | "top_up" | "adjustment";
  note?: string;
  dryRun: boolean;
};

export type RefundOptions = { key: string; amount?: string; reason: string; dryRun: boolean };

/** The result; a refusal is thrown for `main` to tell. */
export function accepted<T>(result: T | Refusal): T {
  if (isRefusal(result)) throw result;
  return result as T;
}

/** Prints a result as JSON for scripts, or as text. */
export function print(target: Target, value: unknown, text: () => string): void {
  console.log(target.json ? JSON.stringify(value) : text());
}
