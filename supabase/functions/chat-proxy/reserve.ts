/** Who pays, and the hold on what they have. */
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { Payer } from "../../../shared/credit/requests.ts";
import type { Reservation } from "../../../shared/credit/results.ts";
import type { Env } from "../../../shared/edge/env.ts";
import type { Caller } from "../../../shared/edge/identify.ts";
import { logError, logWarning } from "../../../shared/edge/log.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import { mayHaveMedia } from "../../../shared/llm/beyond_text.ts";
import { modelName } from "../../../shared/pricing/price.ts";
import type { ChatProxyDeps } from "./deps.ts";
import { noteMissingPrice } from "./incidents.ts";
import type { ChatCall } from "./read_request.ts";

/** Who pays: the user, the guest's free exchanges, or the user whom an operator acts for. */
export function payerOf(caller: Caller, env: Env): Payer | Refusal {
  switch (caller.kind) {
    case "user":
      return { userId: caller.userId };
    case "guest":
      return {
        guestTokenId: caller.guestTokenId,
        guestAddressHash: caller.addressHash,
        guestLimit: env.freeGuestExchanges,
      };
    case "operator":
      return caller.onBehalfOf !== null ? { userId: caller.onBehalfOf } : {
        code: "INVALID_REQUEST",
        message: "A secret key has no balance of its own. Name the user who pays: `x-user-id`.",
        param: "x-user-id",
      };
  }
}

/**
 * How a request is paid for. `logged`: without a reservation, as the ledger was away; its usage is
 * kept in the log. `untracked`: by the switch for that, not at all.
 */
export type Paid =
  | { payment: "reserved"; reservation: Reservation }
  | { payment: "logged" | "untracked"; reservation: null };

/**
 * Reserves, unless a switch says that the request runs without: an environment variable, or a
 * setting, which only the ledger knows. The switches are for users: a guest without a place among the
 * free exchanges could chat at the house's cost without end.
 */
export async function reserve(
  requestId: string,
  payer: Payer,
  call: ChatCall,
  deps: ChatProxyDeps,
): Promise<Paid | Refusal> {
  const { env } = deps;
  const { request, prices: [primary, ...others] } = call;
  const isUser = "userId" in payer;
  if (env.usageTracking === "off" && isUser) {
    return untracked(requestId);
  }
  try {
    const reservation = await deps.ledger.reserve({
      requestId,
      payer,
      providerId: primary.providerId,
      modelId: primary.modelId,
      fallbackModels: others.map(modelName),
      inputTokensMax: call.inputTokensMax,
      outputTokensMax: request.outputTokensLimit,
      withMedia: mayHaveMedia(request, call.prices),
      webSearchesMax: request.webSearchesMax,
      chatId: call.chatId,
      idempotencyKey: call.idempotencyKey,
      requestHash: call.requestHash,
      enforcement: env.balanceEnforcement,
      canExtend: request.stream && !request.hidesOutput,
    });
    if (isRefusal(reservation)) {
      if (reservation.code === "MODEL_NOT_FOUND") {
        noteMissingPrice(reservation.model, requestId, deps, true);
      }
      return reservation;
    }
    if (reservation === null) return untracked(requestId);
    if (reservation.enforcement !== "enforce") {
      logWarning(`BALANCE_ENFORCEMENT is ${reservation.enforcement}`, {
        request_id: requestId,
        would_refuse: reservation.would_refuse,
      });
    }
    return { payment: "reserved", reservation };
  } catch (error) {
    if (error instanceof LedgerUnavailable) releasePhantom(requestId, deps);
    const isAllowed = env.ledgerOutage === "allow" && isUser;
    if (!(error instanceof LedgerUnavailable) || !isAllowed) throw error;
    logError("LEDGER_OUTAGE is allow: no reservation", {
      request_id: requestId,
      error,
    });
    return { payment: "logged", reservation: null };
  }
}

function untracked(requestId: string): Paid {
  logWarning("USAGE_TRACKING is off: not metered", { request_id: requestId });
  return { payment: "untracked", reservation: null };
}

/** Long enough for a reserve that was cut off to have committed, or to have been cancelled. */
const PHANTOM_AFTER_MS = [2_000, 10_000];

/**
 * A reserve that went unanswered may have been done all the same. Its hold would lock up a part of
 * the balance, and the caller's Idempotency-Key, until it expires.
 */
function releasePhantom(requestId: string, deps: ChatProxyDeps): void {
  deps.waitUntil((async () => {
    for (const waitMs of PHANTOM_AFTER_MS) {
      await deps.sleep(waitMs);
      try {
        const result = await deps.ledger.release({ requestId, reason: "reserve_unanswered" });
        if (!isRefusal(result)) return;
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) throw error;
      }
    }
  })());
}
