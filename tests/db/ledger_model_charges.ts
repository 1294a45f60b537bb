/** The model's settle and expire: what is charged, once, and corrected, once. */
import { chargeFor } from "../../shared/pricing/charge.ts";
import type { Usd } from "../../shared/pricing/money.ts";
import { modelName, type Price } from "../../shared/pricing/price.ts";
import { ZERO_TOKENS } from "../../shared/pricing/usage.ts";
import {
  type Answer,
  available,
  type Charge,
  type Hold,
  least,
  type Ledger,
  type ModelStep,
  NOT_FOUND,
  refused,
} from "./ledger_model_state.ts";
import { refundedOf } from "./ledger_model_credits.ts";
import { closeWithoutCharge } from "./ledger_model_holds.ts";

/** A usage at a price, as a charge of which nothing is collected yet. */
function charged(
  hold: Hold,
  price: Price,
  used: { input: number; output: number },
  basis: Charge["basis"],
): Charge {
  // Estimates are capped at the reservation; what the provider reports is what is due.
  const isCapped = basis !== "reported";
  const input = isCapped ? Math.min(used.input, hold.inputMax) : used.input;
  const output = isCapped ? Math.min(used.output, hold.outputReserved) : used.output;
  const cost = chargeFor(price, { tokens: { ...ZERO_TOKENS, input, output } }, hold.markup).charge;
  const nothing = { collected: 0n, uncollected: 0n, before: 0n, after: 0n };
  return { model: modelName(price), input, output, basis, cost, ...nothing };
}

/** Takes `amount` off the balance, or gives it back, for a charge. */
function collect(account: { balance: Usd }, charge: Charge, amount: Usd): void {
  charge.collected = amount;
  charge.before = account.balance;
  account.balance -= amount;
  charge.after = account.balance;
}

/** The first charge of a request. Other holds keep what they hold; what is missing is recorded. */
function close(ledger: Ledger, request: number, hold: Hold, charge: Charge): Charge {
  const account = ledger.accounts[hold.user]!;
  account.reserved -= hold.amount;
  hold.amount = 0n;
  collect(account, charge, least(charge.cost, available(account)));
  charge.uncollected = charge.cost - charge.collected;
  hold.state = charge.basis === "checkpoint" ? "expired" : "settled";
  ledger.charges.set(request, [charge]);
  return charge;
}

export function settle(ledger: Ledger, step: ModelStep & { kind: "settle" }): Answer {
  const hold = ledger.holds.get(step.request);
  if (!hold) return NOT_FOUND;
  const price = step.byFallback ? hold.fallback : hold.model;
  if (price === null) return refused("INVALID_ARGUMENT");
  const charge = charged(hold, price, step, step.basis);
  const [first, correction] = ledger.charges.get(step.request) ?? [];
  if (!first) {
    // Released: nothing was delivered. Expired without a checkpoint: the worker knows better.
    if (hold.state === "released") return refused("RESERVATION_CLOSED");
    return chargedAs("settled", close(ledger, step.request, hold, charge));
  }
  const last = correction ? together(first, correction) : first;
  if (isSameUsage(last, charge)) return chargedAs("already_settled", last);
  if (correction || first.basis !== "checkpoint") return refused("KEY_CONFLICT");

  // A late settle: to the true cost, once; a refund in between is neither repeated nor taken back.
  const account = ledger.accounts[hold.user]!;
  const net = first.collected - refundedOf(ledger, step.request);
  const due = charge.cost - first.collected;
  collect(
    account,
    charge,
    due > 0n ? least(due, available(account)) : charge.cost < net ? charge.cost - net : 0n,
  );
  const missing = charge.cost - first.collected - charge.collected;
  const difference: Charge = {
    ...charge,
    input: charge.input - first.input,
    output: charge.output - first.output,
    cost: charge.cost - first.cost,
    uncollected: (missing > 0n ? missing : 0n) - first.uncollected,
  };
  ledger.charges.set(step.request, [first, difference]);
  hold.state = "settled";
  return chargedAs("corrected", together(first, difference));
}

function isSameUsage(a: Charge, b: Charge): boolean {
  return a.model === b.model && a.input === b.input && a.output === b.output &&
    a.basis === b.basis;
}

/** A charge and its correction, as what they say together. */
function together(first: Charge, correction: Charge): Charge {
  return {
    ...correction,
    input: first.input + correction.input,
    output: first.output + correction.output,
    cost: first.cost + correction.cost,
    collected: first.collected + correction.collected,
    uncollected: first.uncollected + correction.uncollected,
  };
}

function chargedAs(state: string, charge: Charge): Answer {
  const { model, basis, input, output, cost, collected, uncollected, before, after } = charge;
  return {
    state,
    model,
    basis,
    input,
    output,
    cost,
    collected,
    uncollected,
    balance_before: before,
    balance: after,
  };
}

/** Closes these, whose workers are gone: at what they had delivered, or without a charge. */
export function sweep(ledger: Ledger, requests: readonly number[]): Answer {
  let settled = 0;
  for (const request of requests) {
    const hold = ledger.holds.get(request)!;
    if (hold.delivered.output === 0) {
      closeWithoutCharge(ledger, hold, "expired");
      continue;
    }
    // Nobody knows who answered: the dearest, as it was held.
    const [byModel, byFallback] = [hold.model, hold.fallback].map((price) =>
      price && charged(hold, price, hold.delivered, "checkpoint")
    );
    const isFallbackDearer = byFallback && byFallback.cost > byModel!.cost;
    close(ledger, request, hold, isFallbackDearer ? byFallback : byModel!);
    settled++;
  }
  return { settled, released: requests.length - settled };
}
