/** Many calls at once, sorted into those that went through and those that were refused. */
import { type LedgerRefusal, refusalOf } from "./ledger_calls.ts";

/** Makes `count` calls at once. Whatever fails without being a refusal is thrown. */
export async function admittedOf<T>(
  count: number,
  ask: (i: number) => Promise<T>,
): Promise<{ admitted: T[]; refusals: LedgerRefusal[] }> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, (_, i) => ask(i)));
  const admitted: T[] = [];
  const refusals: LedgerRefusal[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") admitted.push(outcome.value);
    else refusals.push(await refusalOf(Promise.reject(outcome.reason)));
  }
  return { admitted, refusals };
}
