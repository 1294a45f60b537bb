/**
 * The end of a request in the ledger: settle or release, once, retried, and never lost silently.
 */
import type { Ledger } from "../../../shared/credit/ledger.ts";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { Settlement } from "../../../shared/credit/results.ts";
import { LOG, logError, logInfo, logWarning } from "../../../shared/edge/log.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { type Basis, type Tokens } from "../../../shared/pricing/usage.ts";
import { decideCharge } from "./decide_charge.ts";

/** What a request came to, for the reader: in the trailing comment or the headers. */
export type Outcome = {
  cost: string;
  /** Null for a guest, and where there is no reservation. */
  balance: string | null;
  tokens: Tokens | null;
  basis: Basis | null;
};

/** Who and what is being settled; everything that a backfill would need. */
export type SettlementContext = {
  requestId: string;
  userId: string | null;
  chatId: string | null;
  model: string;
  /** False where the request runs without a reservation, by a switch: usage is only logged. */
  reserved: boolean;
  inputTokensEstimate: number;
  startedMs: number;
};

export type SettlementOptions = {
  ledger: Pick<Ledger, "settle" | "release" | "recordIncident">;
  now: () => number;
  /** Waits; tests make it instant. */
  sleep: (ms: number) => Promise<void>;
};

/**
 * A restart of Postgres takes seconds, a failover a minute. After that the log line and the
 * reservation's own checkpoint take over.
 */
const RETRY_AFTER_MS = [200, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/**
 * Settles by what the meter has seen, or releases.
 *
 * @param finish why the answer ended, where the provider did not say: `cancelled`, `deadline`…
 * @returns what to tell the reader; `null` when the ledger could not be reached: the usage is then in
 * the log as `Failed to deduct balance`, and the reservation stays until the sweeper settles it.
 */
export async function settleRequest(
  context: SettlementContext,
  snapshot: MeterSnapshot,
  finish: string | null,
  firstTokenMs: number | null,
  options: SettlementOptions,
): Promise<Outcome | null> {
  const decision = decideCharge(snapshot, context.inputTokensEstimate);
  if (snapshot.flags.length > 0) {
    logWarning("Metered with flags", {
      request_id: context.requestId,
      model: context.model,
      flags: snapshot.flags,
    });
  }
  if (decision.kind === "release") {
    return await releaseRequest(context, decision.reason, options);
  }
  const usage = {
    request_id: context.requestId,
    user_id: context.userId,
    chat_id: context.chatId,
    model: context.model,
    tokens: decision.tokens,
    basis: decision.basis,
    provider_request_id: snapshot.providerRequestId,
    finish: snapshot.finish ?? finish,
    first_token_ms: firstTokenMs,
    duration_ms: Math.round(options.now() - context.startedMs),
  };
  if (!context.reserved) {
    logWarning(LOG.deductionFailed, {
      ...usage,
      reason: "no_reservation",
      unsettled: true,
    });
    return null;
  }
  const result = await persist(() =>
    options.ledger.settle({
      requestId: context.requestId,
      tokens: decision.tokens,
      basis: decision.basis,
      providerRequestId: usage.provider_request_id,
      finish: usage.finish,
      firstTokenMs,
      durationMs: usage.duration_ms,
    }), options);
  if (result instanceof LedgerUnavailable || isRefusal(result)) {
    // Everything needed to charge it later stands in this one line.
    logError(LOG.deductionFailed, {
      ...usage,
      reason: reasonOf(result),
      unsettled: true,
    });
    if (isRefusal(result)) await noteIncident(context, result, options);
    return null;
  }
  const settled: Settlement = result;
  logInfo(LOG.usageRecorded, {
    ...usage,
    cost: settled.cost,
    collected: settled.collected,
    balance: settled.balance,
  });
  if (settled.uncollected !== "0" && context.userId !== null) {
    logWarning(LOG.deductionFailed, {
      request_id: context.requestId,
      user_id: context.userId,
      reason: "balance_too_low",
      uncollected: settled.uncollected,
    });
  }
  return {
    cost: settled.cost,
    balance: settled.balance,
    tokens: decision.tokens,
    basis: settled.basis,
  };
}

/** Gives the reservation back: the upstream failed, or answered nothing. */
export async function releaseRequest(
  context: SettlementContext,
  reason: string,
  options: SettlementOptions,
): Promise<Outcome | null> {
  if (!context.reserved) return null;
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
): Promise<T | Refusal | LedgerUnavailable> {
  for (let attempt = 0;; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      const waitMs = RETRY_AFTER_MS[attempt];
      if (waitMs === undefined) return error;
      await sleep(waitMs);
    }
  }
}

async function noteIncident(
  context: SettlementContext,
  refusal: Refusal,
  options: SettlementOptions,
): Promise<void> {
  await persist(() =>
    options.ledger.recordIncident({
      kind: "settle_refused",
      userId: context.userId,
      requestId: context.requestId,
      details: { code: refusal.code, message: refusal.message },
    }), options);
}

function reasonOf(failure: LedgerUnavailable | Refusal): string {
  return failure instanceof LedgerUnavailable ? failure.message : failure.code;
}
