/** Tells a step's value from its refusal, so that a test can go on with the one it expects. */
import { isRefusal, type Refusal } from "../../shared/edge/refusal.ts";

/** The value; fails the test when it is a refusal. */
export function valueOf<T>(outcome: T | Refusal): T {
  if (isRefusal(outcome)) throw new Error(`Refused with ${outcome.code}: ${outcome.message}`);
  return outcome as T;
}

/** The refusal; fails the test when there is none. */
export function refusalOf(outcome: unknown): Refusal {
  if (!isRefusal(outcome)) throw new Error(`Not refused: ${JSON.stringify(outcome)}`);
  return outcome;
}
