/** The model's reserve, extend and release: what is held, and given back. */
import { affordableOutputTokens, ceilingOf } from "../../shared/pricing/ceiling.ts";
import type { Usd } from "../../shared/pricing/money.ts";
import {
  type Answer,
  available,
  type Hold,
  least,
  type Ledger,
  type ModelStep,
  NOT_FOUND,
  refused,
} from "./ledger_model_state.ts";

function boundsOf(hold: Hold) {
  return {
    price: hold.model,
    fallbackPrices: hold.fallback === null ? [] : [hold.fallback],
    inputTokensMax: hold.inputMax,
    markupBasisPoints: hold.markup,
  };
}

export function reserve(ledger: Ledger, step: ModelStep & { kind: "reserve" }): Answer {
  const account = ledger.accounts[step.user]!;
  const prior = ledger.holds.get(step.request);
  if (prior) {
    // A hold may be asked for again with a better bound of the prompt, never with a larger hold.
    if (
      prior.user !== step.user || prior.hash !== step.hash || prior.inputMax > step.input ||
      (prior.fallback !== null) !== step.withFallback
    ) {
      return refused("KEY_CONFLICT");
    }
    if (prior.state !== "open") return refused("DUPLICATE_REQUEST", { state: prior.state });
    return heldAs(prior, account, null, null);
  }
  let freed: Hold | undefined;
  if (step.key !== null) {
    const [request, same] = [...ledger.holds]
      .find(([, hold]) => hold.user === step.user && hold.key === step.key) ?? [];
    const isUncharged = same !== undefined && same.state !== "open" &&
      !ledger.charges.has(request!);
    if (isUncharged) freed = same;
    else if (same && same.hash !== step.hash) return refused("IDEMPOTENCY_KEY_REUSED");
    else if (same) return refused("DUPLICATE_REQUEST", { state: same.state });
  }
  const { minimum, slice, markup } = ledger.settings;
  const hold: Hold = {
    user: step.user,
    model: ledger.model,
    fallback: step.withFallback ? ledger.fallback : null,
    inputMax: step.input,
    markup,
    enforced: step.enforcement === "enforce",
    state: "open",
    amount: 0n,
    outputReserved: 0,
    outputLimit: step.output,
    delivered: { input: 0, output: 0 },
    isOverdue: false,
    key: step.key,
    hash: step.hash,
  };
  const free = available(account);
  const affordable = affordableOutputTokens(boundsOf(hold), free) ?? 0;
  const isPoor = free < minimum || affordable < 1;
  if (hold.enforced) {
    if (isPoor) {
      const one = ceilingOf(boundsOf(hold), 1);
      return refused("INSUFFICIENT_BALANCE", {
        balance: account.balance,
        available: free,
        required: one > minimum ? one : minimum,
      });
    }
    hold.outputLimit = Math.min(step.output, affordable);
  }
  hold.outputReserved = step.canExtend ? Math.min(slice, hold.outputLimit) : hold.outputLimit;
  const ceiling = ceilingOf(boundsOf(hold), hold.outputReserved);
  // Without enforcement a hold takes what there is: reserved never passes the balance.
  hold.amount = hold.enforced ? ceiling : least(ceiling, free);
  account.reserved += hold.amount;
  ledger.holds.set(step.request, hold);
  // Of a key that goes over to another request only that one is charged.
  if (freed) Object.assign(freed, { state: "released", key: null });
  return heldAs(
    hold,
    account,
    hold.outputLimit < step.output ? "balance" : "client",
    isPoor && step.enforcement === "observe" ? "INSUFFICIENT_BALANCE" : null,
  );
}

function heldAs(
  hold: Hold,
  account: { balance: Usd; reserved: Usd },
  limitedBy: string | null,
  wouldRefuse: string | null,
): Answer {
  return {
    amount: hold.amount,
    output_tokens_reserved: hold.outputReserved,
    output_tokens_limit: hold.outputLimit,
    output_limited_by: limitedBy,
    would_refuse: wouldRefuse,
    balance: account.balance,
    available: available(account),
  };
}

export function extend(ledger: Ledger, step: ModelStep & { kind: "extend" }): Answer {
  const hold = ledger.holds.get(step.request);
  if (!hold) return NOT_FOUND;
  const account = ledger.accounts[hold.user]!;
  const answer = (state: string, refusedBy: string | null): Answer => ({
    state,
    refused_by: refusedBy,
    output_tokens_reserved: hold.outputReserved,
    available: available(account),
  });
  if (hold.state !== "open") return answer("closed", null);

  const wanted = Math.min(step.total, hold.outputLimit);
  const affordable = affordableOutputTokens(boundsOf(hold), available(account) + hold.amount) ?? 0;
  const target = hold.enforced ? Math.min(wanted, affordable) : wanted;
  // Nothing of the next slice can be paid for: that is a refusal. Less than it all is less of it.
  const isRefused = wanted > hold.outputReserved && target <= hold.outputReserved;
  if (target > hold.outputReserved) {
    const ceiling = ceilingOf(boundsOf(hold), target);
    const amount = hold.enforced ? ceiling : least(ceiling, available(account) + hold.amount);
    account.reserved += amount - hold.amount;
    hold.amount = amount;
    hold.outputReserved = target;
  }
  // Whatever becomes of the slice: the worker lives, and what it delivered stays delivered.
  hold.isOverdue = false;
  hold.delivered = {
    input: Math.max(hold.delivered.input, step.input),
    output: Math.max(hold.delivered.output, step.output),
  };
  return isRefused ? answer("refused", "balance") : answer("extended", null);
}

/** Gives back what a hold took. It keeps its key until another request takes that over. */
export function closeWithoutCharge(
  ledger: Ledger,
  hold: Hold,
  state: "released" | "expired",
): void {
  ledger.accounts[hold.user]!.reserved -= hold.amount;
  Object.assign(hold, { state, amount: 0n });
}

export function release(ledger: Ledger, request: number): Answer {
  const hold = ledger.holds.get(request);
  if (!hold) return NOT_FOUND;
  if (hold.state === "open") {
    closeWithoutCharge(ledger, hold, "released");
    return { state: "released" };
  }
  if (ledger.charges.has(request)) return { state: "already_settled" };
  // Expired without a charge, and now its worker says that nothing was delivered: for good.
  hold.state = "released";
  return { state: "already_released" };
}
