/**
 * Sends a request to its provider while `reserve` is still being asked, for an account that can pay
 * without doubt (docs/adr/0017). Nothing of the answer is looked at before the reservation is there;
 * where it is refused, or grants something else, the request is ended, and what it may have cost the
 * house is recorded.
 */
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { IncidentArgs, Payer } from "../../../shared/credit/requests.ts";
import type { Reservation } from "../../../shared/credit/results.ts";
import type { EarlyStartSettings } from "../../../shared/credit/settings_cache.ts";
import type { Caller } from "../../../shared/edge/identify.ts";
import { logError, logWarning } from "../../../shared/edge/log.ts";
import { isRefusal } from "../../../shared/edge/refusal.ts";
import { mayHaveMedia } from "../../../shared/llm/beyond_text.ts";
import type { AbortPolicy } from "../../../shared/llm/providers.ts";
import { ceilingOf, type RequestBounds } from "../../../shared/pricing/ceiling.ts";
import { formatUsd, USD_ONE } from "../../../shared/pricing/money.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";
import type { ChatProxyDeps } from "./deps.ts";
import { createEarlyLosses } from "./early_losses.ts";
import { createKnownAccounts } from "./known_accounts.ts";
import type { Candidate } from "./route.ts";
import { type Sending, sendUpstream, type Sent } from "./send_upstream.ts";

/** A request that is on its way before anybody has paid for it. */
export interface EarlyRequest {
  /**
   * The request, where the reservation lets the same go upstream: then it is the caller's. Null where
   * it does not, or the request has ended or was taken: another must be sent.
   */
  take(outputTokensLimit: number | null): Sent | null;
  /** Ends it, and records what it may cost. Nothing happens where it was taken, or has ended. */
  end(reason: string): void;
}

export type EarlyCall = Sending & {
  caller: Caller;
  candidates: readonly [Candidate, ...Candidate[]];
  markupBasisPoints: number;
};

export interface EarlyStarts {
  /** Looks at the settings, so that they are at hand when a request could start. */
  readSettings(): void;
  /** Sends the request where that is safe enough; null where it has to wait for its reservation. */
  start(call: EarlyCall): EarlyRequest | null;
  /** What is heard of an account on the way; null: the request runs without a reservation. */
  noteReserved(payer: Payer, reservation: Reservation | null): void;
  noteRefused(payer: Payer): void;
  /** After a charge; a decimal string in USD. */
  noteBalance(payer: Payer, balance: string): void;
}

/** The account must have so many times what the whole answer can cost, and this at least. */
const TIMES_CEILING = 3n;
const AVAILABLE_MIN = USD_ONE / 2n;
/** A ledger that takes longer is in trouble: the request is ended, and others wait for a while. */
const RESERVE_MS_MAX = 2_000;
const PAUSE_MS = 60_000;
/** How old the ledger's word on the bound may be: an isolate that idled goes by its last one. */
const SETTINGS_MS_MAX = 10 * 60_000;
/** No provider writes faster, and none that stops at all takes longer to. */
const OUTPUT_TOKENS_PER_MS = 3;
const STOPS_AFTER_MS = 1_000;
/** What `reserve` takes for a model of which nobody knows a limit. */
const OUTPUT_TOKENS_UNKNOWN = 131_072;

/** Builds them. Make one per isolate: it remembers accounts and losses. */
export function createEarlyStarts(deps: ChatProxyDeps): EarlyStarts {
  const { env, now } = deps;
  const accounts = createKnownAccounts(now);
  const losses = createEarlyLosses(now);
  const isOff = env.balanceEnforcement !== "enforce" || env.usageTracking === "off";
  let settings: EarlyStartSettings | undefined;
  let pausedUntilMs = 0;

  const isOld = ({ askedAtMs }: EarlyStartSettings) => now() - askedAtMs > SETTINGS_MS_MAX;

  /** A clock that was set back tells nothing: then as long as it can have been. */
  function elapsedSince(startedMs: number): number {
    const elapsedMs = now() - startedMs;
    return elapsedMs < 0 ? RESERVE_MS_MAX : elapsedMs;
  }

  async function record(incident: IncidentArgs): Promise<void> {
    try {
      const told = await deps.ledger.recordIncident(incident);
      if (isRefusal(told)) throw new Error(told.message);
    } catch (error) {
      if (error instanceof LedgerUnavailable) deps.recordLater(incident);
      throw error;
    }
  }

  function start(call: EarlyCall): EarlyRequest | null {
    const known = settings;
    const { caller, requestId, candidates: [candidate, ...others] } = call;
    if (isOff || caller.kind !== "user") return null;
    const { userId } = caller;
    const { idempotencyKey, request } = call.call;
    // Seen in any case: a repeat must find the answer of the first, and not ask twice.
    const isRepeat = idempotencyKey !== null && !accounts.isNewKey(userId, idempotencyKey);
    if (isRepeat || known === undefined || isOld(known) || now() < pausedUntilMs) return null;
    if (!isPlain(call)) return null;

    const bounds = boundsOf(call);
    const limit = Math.min(request.outputTokensLimit ?? Infinity, outputTokensMaxOf(bounds.price));
    const ceiling = ceilingOf(
      { ...bounds, fallbackPrices: others.map(({ price }) => price) },
      limit,
    );
    const wanted = TIMES_CEILING * ceiling;
    const least = (wanted > AVAILABLE_MIN ? wanted : AVAILABLE_MIN) + known.minimumBalance;
    const billed = billedOutput(request.stream, candidate.route.provider.abortPolicy);
    const lossAfter = (elapsedMs: number) =>
      ceilingOf({ ...bounds, markupBasisPoints: 0 }, Math.min(limit, billed(elapsedMs)));

    const giveBack = accounts.setAside(userId, ceiling, least);
    if (giveBack === undefined) return null;
    const held = losses.hold(lossAfter(RESERVE_MS_MAX), known);
    if (held === undefined) {
      giveBack();
      return null;
    }

    const assumed = request.outputTokensLimit === null ? null : limit;
    const startedMs = now();
    const sent = sendUpstream(call, candidate, assumed, env.upstreamTimeoutMs, deps);
    let isRejected = false;
    // Whoever takes it hears of what goes wrong; where nobody does, nobody needs to.
    sent.forwarded.then(({ kind }) => isRejected = kind === "rejected", () => {});
    let isOurs = true;
    const timer = setTimeout(() => end("reserve_too_slow"), RESERVE_MS_MAX);

    function end(reason: string): void {
      if (!isOurs) return;
      isOurs = false;
      clearTimeout(timer);
      giveBack!();
      stop(sent);
      if (reason === "reserve_too_slow" || reason === "LEDGER_UNAVAILABLE") {
        pausedUntilMs = now() + PAUSE_MS;
      } else {
        accounts.distrust(userId);
      }
      // A provider bills nothing for what it rejects.
      const lost = isRejected ? 0n : lossAfter(elapsedSince(startedMs));
      const amount = formatUsd(lost);
      const details = { amount, model: modelName(candidate.price), reason };
      logWarning("An early start was for nothing", { request_id: requestId, ...details });
      if (lost === 0n) return held!.free();
      const recorded = held!.lose(lost);
      deps.waitUntil(
        record({ kind: "early_start_refused", userId, requestId, details }).then(
          recorded,
          (error) => logError("Could not record an early start", { request_id: requestId, error }),
        ),
      );
    }

    return {
      take(outputTokensLimit) {
        if (!isOurs) return null;
        if (outputTokensLimit !== assumed) {
          end("other_limit");
          return null;
        }
        isOurs = false;
        clearTimeout(timer);
        giveBack();
        held.free();
        return sent;
      },
      end,
    };
  }

  return {
    readSettings() {
      // Nobody waits for newer ones.
      if (!isOff) void deps.settings.read().then(({ earlyStarts }) => settings = earlyStarts);
    },
    start,
    noteReserved(payer, reservation) {
      if (!("userId" in payer)) return;
      if (reservation === null) accounts.forget(payer.userId);
      else accounts.noteReserved(payer.userId, reservation);
    },
    noteRefused(payer) {
      if ("userId" in payer) accounts.forget(payer.userId);
    },
    noteBalance(payer, balance) {
      if ("userId" in payer) accounts.noteBalance(payer.userId, balance);
    },
  };
}

/** Text in, text out, in bounds that are known, with models that may be used. */
function isPlain({ call: { request, prices } }: EarlyCall): boolean {
  return !request.hidesInput && !request.hidesOutput && request.webSearchesMax === 0 &&
    request.features.length === 0 && !mayHaveMedia(request, prices) &&
    prices.every(({ isAllowed }) => isAllowed);
}

function boundsOf({ call, markupBasisPoints }: EarlyCall): RequestBounds {
  return { price: call.prices[0], inputTokensMax: call.inputTokensMax, markupBasisPoints };
}

/** As `reserve` has it. */
function outputTokensMaxOf({ maxOutputTokens, maxInputTokens }: Price): number {
  return maxOutputTokens ?? maxInputTokens ?? OUTPUT_TOKENS_UNKNOWN;
}

/**
 * How much output may be billed of a request that is ended so long after it began: all of it, unless
 * it is a stream of a provider that stops with the connection.
 */
function billedOutput(stream: boolean, policy: AbortPolicy): (elapsedMs: number) => number {
  if (!stream || policy === "drain") return () => Infinity;
  return (elapsedMs) => Math.ceil((elapsedMs + STOPS_AFTER_MS) * OUTPUT_TOKENS_PER_MS);
}

/** Ends it at whatever stage: the abort alone may go unheard once the headers are there. */
function stop({ abort, forwarded }: Sent): void {
  abort.abort();
  void forwarded.then(
    (answer) => answer.kind === "answer" ? answer.body.cancel() : undefined,
  ).catch(() => {});
}
