/**
 * What the ledger should do, as a small program: written from DESIGN §1–§3 and docs/adr (0001, 0004,
 * 0006–0008, 0013), not from the SQL. `ledger_model_test.ts` asks both the same and compares every
 * answer and every amount.
 *
 * Users only, text only. Amounts are counts of 1e-10 USD. What a usage costs comes from
 * `shared/pricing`, which `charge_equality_test.ts` holds against SQL for any price.
 */
import { settle, sweep } from "./ledger_model_charges.ts";
import { credit, refund } from "./ledger_model_credits.ts";
import { extend, release, reserve } from "./ledger_model_holds.ts";
import type { Answer, Ledger, ModelStep } from "./ledger_model_state.ts";

/** The same ledger, to go on from independently. */
function copyOf(ledger: Ledger): Ledger {
  return {
    ...ledger,
    accounts: ledger.accounts.map((account) => ({ ...account })),
    holds: new Map([...ledger.holds].map(([n, hold]) => [n, { ...hold }])),
    charges: new Map([...ledger.charges].map(([n, charges]) => [n, [...charges]])),
    credits: new Map(ledger.credits),
  };
}

/** What a ledger may have answered, and what it is then. */
export interface Outcome {
  answer: Answer;
  ledger: Ledger;
}

/**
 * All that may come of a step: one outcome, but for a sweep, which closes what is overdue in any
 * order. A refusal changes nothing.
 *
 * @param isPartial whether a sweep may leave some for the next one, as it does where another one
 * is under way, or where a worker died after it began.
 */
export function outcomesOf(ledger: Ledger, step: ModelStep, isPartial = false): Outcome[] {
  if (step.kind !== "expire") {
    const next = copyOf(ledger);
    return [{ answer: take(next, step), ledger: next }];
  }
  const overdue = [...ledger.holds].filter(([, hold]) => hold.state === "open" && hold.isOverdue)
    .map(([request]) => request);
  return ordersOf(overdue, isPartial).map((requests) => {
    const next = copyOf(ledger);
    return { answer: sweep(next, requests), ledger: next };
  });
}

/** Every order of all, or of any, of `items`. */
function ordersOf(items: readonly number[], isPartial: boolean): number[][] {
  const orders = items.flatMap((item) =>
    ordersOf(items.filter((other) => other !== item), isPartial).map((rest) => [item, ...rest])
  );
  return isPartial || items.length === 0 ? [[], ...orders] : orders;
}

/** Takes one step but a sweep. */
function take(ledger: Ledger, step: Exclude<ModelStep, { kind: "expire" }>): Answer {
  switch (step.kind) {
    case "reserve":
      return reserve(ledger, step);
    case "extend":
      return extend(ledger, step);
    case "settle":
      return settle(ledger, step);
    case "release":
      return release(ledger, step.request);
    case "worker dies": {
      const hold = ledger.holds.get(step.request);
      if (hold?.state === "open") hold.isOverdue = true;
      return {};
    }
    case "refund":
      return refund(ledger, step);
    case "credit":
      return credit(ledger, step);
    case "reprice":
      ledger.model = {
        ...ledger.model,
        standard: { ...ledger.model.standard, output: step.output },
      };
      return {};
  }
}
