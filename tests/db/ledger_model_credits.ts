/** The model's credits and refunds: one entry a key. */
import type { Usd } from "../../shared/pricing/money.ts";
import {
  type Answer,
  available,
  type Ledger,
  type ModelStep,
  NOT_FOUND,
  refused,
} from "./ledger_model_state.ts";

export function refundedOf(ledger: Ledger, request: number): Usd {
  return [...ledger.credits.values()].filter((entry) => entry.request === request)
    .reduce((sum, entry) => sum + entry.amount, 0n);
}

export function refund(ledger: Ledger, step: ModelStep & { kind: "refund" }): Answer {
  const charges = ledger.charges.get(step.request);
  if (!charges) return NOT_FOUND;
  const { user } = ledger.holds.get(step.request)!;
  const account = ledger.accounts[user]!;
  const prior = ledger.credits.get(step.key);
  if (prior) {
    const isSame = prior.request === step.request &&
      (step.amount === null || step.amount === prior.amount);
    return isSame
      ? { state: "already_refunded", amount: prior.amount, balance: account.balance }
      : refused("KEY_CONFLICT");
  }
  const left = charges.reduce((sum, charge) => sum + charge.collected, 0n) -
    refundedOf(ledger, step.request);
  const amount = step.amount ?? left;
  if (amount <= 0n || amount > left) return refused("INVALID_ARGUMENT");
  account.balance += amount;
  ledger.credits.set(step.key, { user, amount, kind: "refund", request: step.request });
  return { state: "refunded", amount, balance: account.balance };
}

export function credit(ledger: Ledger, step: ModelStep & { kind: "credit" }): Answer {
  const { user, amount } = step;
  const kind = step.adjusts ? "adjustment" : "top_up";
  if (amount === 0n || (amount < 0n && !step.adjusts)) return refused("INVALID_ARGUMENT");
  const account = ledger.accounts[user]!;
  const prior = ledger.credits.get(step.key);
  if (prior) {
    return prior.user === user && prior.amount === amount && prior.kind === kind
      ? { state: "already_granted", amount, balance: account.balance }
      : refused("KEY_CONFLICT");
  }
  if (amount < 0n && available(account) + amount < 0n) {
    return refused("INSUFFICIENT_BALANCE", {
      balance: account.balance,
      available: available(account),
    });
  }
  account.balance += amount;
  ledger.credits.set(step.key, { user, amount, kind, request: null });
  return { state: "granted", amount, balance: account.balance };
}
