/**
 * The end of a request in the ledger: settle or release, once, retried, and never lost silently.
 */
import type { Ledger } from "../../../shared/credit/ledger.ts";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { IncidentArgs } from "../../../shared/credit/requests.ts";
import type { Settlement } from "../../../shared/credit/results.ts";
import { LOG, logError, logInfo, logWarning } from "../../../shared/edge/log.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import type { Basis, Tokens } from "../../../shared/pricing/usage.ts";
import { beyondTokens, loggedBeyond } from "./beyond_tokens.ts";
import { decideCharge } from "./decide_charge.ts";
import type { End, Outcome } from "./ending.ts";
import { inTime } from "./in_time.ts";
import { oddUsageOf } from "./odd_usage.ts";

/** Who and what is being settled; everything that a backfill would need. */
export type SettlementContext = {
  requestId: string;
  userId: string | null;
  chatId: string | null;
  /** The model that answered, or is asked first: `provider:model`. */
  model: string;
  /**
   * How the request is paid for. `logged`: without a reservation, as the ledger was away; its usage
   * is kept in the log. `untracked`: by USAGE_TRACKING, not at all.
   */
  payment: "reserved" | "logged" | "untracked";
  inputTokensEstimate: number;
  /** What the prompt can be at most, and the output limit that was sent; null: none. */
  inputTokensMax: number;
  outputTokensLimit: number | null;
  /** How often the provider searches in any case. */
  webSearchesMin: number;
  startedMs: number;
};

export type SettlementOptions = {
  ledger: Pick<Ledger, "settle" | "release" | "recordIncident">;
  now: () => number;
  /** Waits; tests make it instant. */
  sleep: (ms: number) => Promise<void>;
  /** For what the reader need not wait for. */
  waitUntil: (promise: Promise<unknown>) => void;
  /** Records an incident as soon as the ledger answers again. */
  recordLater: (incident: IncidentArgs) => void;
};

/**
 * A restart of Postgres takes seconds, a failover a minute. After that the log line and the
 * reservation's own checkpoint take over.
 */
const RETRY_AFTER_MS = [200, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/**
 * Settles by what the meter has seen, or releases.
 *
 * @param end how the answer ended; told as its finish where the provider gave none.
 * @returns what to tell the reader; `null` when the ledger could not be reached: the usage is then in
 * the log as `Failed to deduct balance`, and the reservation stays until the sweeper settles it.
 */
export async function settleRequest(
  context: SettlementContext,
  snapshot: MeterSnapshot,
  end: End,
  firstTokenMs: number | null,
  options: SettlementOptions,
): Promise<Outcome | null> {
  const decision = decideCharge(snapshot, context.inputTokensEstimate, end);
  if (snapshot.flags.length > 0) {
    logWarning("Metered with flags", {
      request_id: context.requestId,
      model: context.model,
      flags: snapshot.flags,
    });
  }
  const odd = oddUsageOf(snapshot, context);
  if (odd.length > 0 && context.payment === "reserved") {
    options.waitUntil(
      noteIncident("odd_usage", { model: context.model, flags: odd }, context, options),
    );
  }
  if (decision.kind === "release") {
    return await releaseRequest(context, decision.reason, options);
  }
  const beyond = beyondTokens(snapshot, decision.basis, context.webSearchesMin);
  const endedMs = options.now();
  const usage = {
    // When the answer ended: a line that is settled days later is charged for this time.
    at: new Date(endedMs).toISOString(),
    request_id: context.requestId,
    user_id: context.userId,
    chat_id: context.chatId,
    model: context.model,
    tokens: decision.tokens,
    basis: decision.basis,
    ...loggedBeyond(beyond),
    provider_request_id: snapshot.providerRequestId,
    finish: snapshot.finish ?? (snapshot.error === null ? end : "upstream_error"),
    first_token_ms: firstTokenMs,
    duration_ms: Math.round(endedMs - context.startedMs),
  };
  if (context.payment === "untracked") return null;
  if (context.payment === "logged") {
    logWarning(LOG.deductionFailed, { ...usage, reason: "no_reservation", unsettled: true });
    options.recordLater(failedDeduction(usage, "no_reservation"));
    return null;
  }
  // At once, for this worker may not live to its last attempt. A backfill that finds the request
  // settled after all changes nothing.
  let isNoted = false;
  const note = (message: string, reason: string) => {
    if (!isNoted) logWarning(message, { ...usage, reason, unsettled: true });
    isNoted = true;
  };
  const settling = persist(
    () =>
      options.ledger.settle({
        requestId: context.requestId,
        model: context.model,
        tokens: decision.tokens,
        basis: decision.basis,
        ...beyond,
        providerRequestId: usage.provider_request_id,
        finish: usage.finish,
        firstTokenMs,
        durationMs: usage.duration_ms,
      }),
    options,
    (error) => note(LOG.settlingRetried, error.message),
  );
  // A ledger that hangs says nothing for seconds, in which a kill would lose the whole answer.
  void inTime(settling).then(
    (known) => known === null && note(LOG.settlingSlow, "no answer yet"),
    () => {},
  );
  const result = await settling;
  if (result instanceof LedgerUnavailable || isRefusal(result)) {
    // Everything needed to charge it later stands in this one line.
    logError(LOG.deductionFailed, {
      ...usage,
      reason: reasonOf(result),
      unsettled: true,
    });
    if (isRefusal(result)) {
      const { code, message } = result;
      options.waitUntil(noteIncident("settle_refused", { code, message }, context, options));
    } else {
      options.recordLater(failedDeduction(usage, reasonOf(result)));
    }
    return null;
  }
  const settled: Settlement = result;
  logInfo(LOG.usageRecorded, {
    ...usage,
    cost: settled.cost,
    collected: settled.collected,
    balance: settled.balance,
  });
  const isShort = settled.uncollected !== "0" && context.userId !== null;
  if (isShort) {
    logWarning(LOG.deductionFailed, {
      request_id: context.requestId,
      user_id: context.userId,
      reason: "balance_too_low",
      uncollected: settled.uncollected,
    });
  }
  return {
    cost: settled.cost,
    ...(isShort && { collected: settled.collected }),
    balance: settled.balance,
    tokens: settled.tokens,
    basis: settled.basis,
  };
}

/** Gives the reservation back: the upstream failed, or answered nothing. */
export async function releaseRequest(
  context: SettlementContext,
  reason: string,
  options: SettlementOptions,
): Promise<Outcome | null> {
  if (context.payment !== "reserved") return null;
  const result = await persist(
    () => options.ledger.release({ requestId: context.requestId, reason }),
    options,
  );
  if (result instanceof LedgerUnavailable || isRefusal(result)) {
    // Nothing is lost: the reservation expires by itself, at a checkpoint of nothing.
    logWarning("Could not release a reservation", {
      request_id: context.requestId,
      reason,
      error: reasonOf(result),
    });
    return null;
  }
  logInfo("Released", {
    request_id: context.requestId,
    model: context.model,
    reason,
  });
  return { cost: "0", balance: null, tokens: null, basis: null };
}

/** Asks until the ledger answers. A refusal is an answer; a bug still throws. */
async function persist<T>(
  ask: () => Promise<T | Refusal>,
  { sleep }: SettlementOptions,
  onFirstFailure: (error: LedgerUnavailable) => void = () => {},
): Promise<T | Refusal | LedgerUnavailable> {
  for (let attempt = 0;; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      if (attempt === 0) onFirstFailure(error);
      const waitMs = RETRY_AFTER_MS[attempt];
      if (waitMs === undefined) return error;
      await sleep(waitMs);
    }
  }
}

/** What the operator hears of usage that is in the log alone: which line to look for, and how much. */
function failedDeduction(
  usage: {
    at: string;
    request_id: string;
    user_id: string | null;
    model: string;
    tokens: Tokens;
    basis: Basis;
  },
  reason: string,
): IncidentArgs {
  const { at, request_id: requestId, user_id: userId, model, tokens, basis } = usage;
  return {
    kind: "deduction_failed",
    userId,
    requestId,
    details: { at, model, tokens, basis, reason },
  };
}

async function noteIncident(
  kind: string,
  details: Record<string, unknown>,
  { userId, requestId }: SettlementContext,
  options: SettlementOptions,
): Promise<void> {
  await persist(() => options.ledger.recordIncident({ kind, userId, requestId, details }), options);
}

function reasonOf(failure: LedgerUnavailable | Refusal): string {
  return failure instanceof LedgerUnavailable ? failure.message : failure.code;
}
