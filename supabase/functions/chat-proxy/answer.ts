/**
 * From the reservation to the response: forward, then relay a stream or read a whole answer. From
 * here on every way out settles or releases.
 */
import type { Reservation } from "../../../shared/credit/results.ts";
import { type AppContext, refuse } from "../../../shared/edge/app.ts";
import { LOG, logError } from "../../../shared/edge/log.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { meterBody } from "../../../shared/llm/meter_body.ts";
import { modelName } from "../../../shared/pricing/price.ts";
import { askProviders } from "./ask_providers.ts";
import type { Capture } from "./capture.ts";
import type { ChatProxyDeps } from "./deps.ts";
import type { End, Outcome } from "./ending.ts";
import type { Exchange } from "./exchange.ts";
import { captureFor, saveExchange, type Written } from "./history.ts";
import { createHold, type Hold } from "./hold.ts";
import { inTime } from "./in_time.ts";
import { rateLimitHeaders, tellRequestsLimit } from "./rate_limits.ts";
import { relay } from "./relay.ts";
import type { Candidate } from "./route.ts";
import { releaseRequest, type SettlementContext, settleRequest } from "./settlement.ts";
import { rememberStored } from "./stored_items.ts";
import { readWholeAnswer } from "./whole_answer.ts";

/**
 * The platform answers 504 for us after 150 s without a byte, and a whole answer has no byte before
 * its last: what came later would be charged and never seen.
 */
const WHOLE_DEADLINE_MS = 140_000;
/** How much longer than its charge an answer may wait to be remembered. */
const REMEMBERED_WAIT_MS = 300;
const JSON_TYPE = /^application\/([\w.-]+\+)?json\b/i;

/**
 * Forwards the request and gives the answer on.
 *
 * @param noteBalance told what is left after the charge, a decimal string in USD.
 */
export async function answer(
  c: AppContext,
  exchange: Exchange,
  noteBalance: (balance: string) => void,
  deps: ChatProxyDeps,
): Promise<Response> {
  const { reservation, context } = exchange;
  const hold = reservation &&
    createHold({ ledger: deps.ledger, reservation, heartbeatMs: deps.env.heartbeatMs });
  // Waited for: whoever asks again at once, with the same Idempotency-Key or the last of a balance,
  // must not be refused for what has just failed.
  const release = async (reason: string) => {
    hold?.stop();
    const released = releaseRequest(context, reason, deps);
    deps.waitUntil(released);
    await inTime(released);
  };
  try {
    return await exchangeWithProviders(c, exchange, hold, release, noteBalance, deps);
  } catch (error) {
    // A bug; but the hold must not keep its reservation alive for ever.
    await release("bug");
    throw error;
  }
}

async function exchangeWithProviders(
  c: AppContext,
  exchange: Exchange,
  hold: Hold | null,
  release: (reason: string) => Promise<void>,
  noteBalance: (balance: string) => void,
  deps: ChatProxyDeps,
): Promise<Response> {
  const { call, reservation } = exchange;
  const limitedBy = outputLimitedBy(reservation);
  const tooLittle = refuseTooLittle(exchange);
  if (tooLittle !== undefined) {
    await release("too_little");
    return refuse(c, tooLittle);
  }
  // Read while the provider works: no first token waits for it.
  const capturing = captureFor(exchange, deps);
  const asked = await askProviders(exchange, limitedBy !== null, c.req.raw.signal, deps);
  const { forwarded, candidate } = asked;
  if (forwarded.kind === "rejected") {
    await release("provider_rejected");
    tellRequestsLimit(forwarded.response.headers, reservation);
    return forwarded.response;
  }
  if (forwarded.kind === "failed") {
    await release("upstream_error");
    const response = refuse(c, forwarded.refusal);
    for (const [name, value] of forwarded.headers) {
      // Our own word on when to come back counts: it has been bounded.
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    tellRequestsLimit(response.headers, reservation);
    return response;
  }
  // Whoever answered is whom the reader pays.
  const context = { ...exchange.context, model: modelName(candidate.price) };

  const contentType = forwarded.response.headers.get("content-type");
  // Some providers answer a streamed request whole, and say so.
  const isStream = call.request.stream && !JSON_TYPE.test(contentType ?? "");
  const headers = rateLimitHeaders(forwarded.response.headers);
  tellRequestsLimit(headers, reservation);
  headers.set("cache-control", "no-store");
  headers.set(
    "content-type",
    contentType ?? (isStream ? "text/event-stream" : "application/json"),
  );
  headers.set("x-model", context.model);
  if (limitedBy !== null) headers.set("x-output-limited-by", limitedBy);
  if (reservation && reservation.guest_exchanges_left !== null) {
    headers.set(
      "x-free-exchanges-left",
      String(reservation.guest_exchanges_left),
    );
  }
  const settle = async (snapshot: MeterSnapshot, end: End, firstTokenMs: number | null) => {
    try {
      const settling = settleRequest(context, snapshot, end, firstTokenMs, deps);
      const asked = { body: call.request.body, own: exchange.own };
      const remembered = rememberStored(context, snapshot.storedIds, asked, deps);
      deps.waitUntil(remembered);
      const outcome = await settling;
      if (outcome?.balance) noteBalance(outcome.balance);
      // Before the last byte, where it can be: who has read it may go on from there at once.
      await inTime(remembered, REMEMBERED_WAIT_MS);
      return outcome;
    } catch (error) {
      // A bug of ours must not break the answer. The reservation stays, for the sweeper.
      logError(LOG.deductionFailed, { request_id: context.requestId, reason: "bug", error });
      return null;
    }
  };
  const parts: AnswerParts = {
    body: forwarded.body,
    headers,
    context,
    abort: asked.abort,
    candidate,
    capture: await capturing,
    hold,
    settle,
    release,
    withholdUsage: asked.withholdUsage,
  };
  return isStream ? streamed(exchange, parts, deps) : await whole(c, exchange, parts, deps);
}

type AnswerParts = {
  body: ReadableStream<Uint8Array>;
  headers: Headers;
  /** Of the model that answered. */
  context: SettlementContext;
  abort: AbortController;
  candidate: Candidate;
  /** Keeps the answer for its history; null where there is none. */
  capture: Capture | null;
  hold: Hold | null;
  settle: (
    snapshot: MeterSnapshot,
    end: End,
    firstTokenMs: number | null,
  ) => Promise<Outcome | null>;
  release: (reason: string) => Promise<void>;
  withholdUsage: boolean;
};

function streamed(
  exchange: Exchange,
  parts: AnswerParts,
  deps: ChatProxyDeps,
): Response {
  const { dialect, call, context } = exchange;
  const { price, route } = parts.candidate;
  // What is not shown can not be estimated either: only the report tells it.
  const isHidden = price.hidesReasoning || call.request.hidesOutput || call.request.hidesInput ||
    // What a search finds is read into the prompt.
    call.request.webSearchesMax > 0;
  const { body, done, written } = relay({
    upstream: parts.body,
    meter: dialect.createMeter(route.endpoint.counting),
    meterWhole: (bytes) => meterBody(bytes, dialect, route.endpoint.counting).snapshot,
    withholdUsage: parts.withholdUsage,
    abortPolicy: isHidden ? "drain" : route.provider.abortPolicy,
    abortUpstream: () => parts.abort.abort(),
    hold: parts.hold,
    capture: parts.capture,
    endsAtLimit: call.request.webSearchesMax === 0,
    inputTokensEstimate: context.inputTokensEstimate,
    heartbeatMs: deps.env.heartbeatMs,
    deadlineMs: timeLeftMs(deps.env.streamDeadlineMs, context, deps),
    settle: parts.settle,
    requestId: context.requestId,
    startedMs: context.startedMs,
    now: deps.now,
    errorEvent: dialect.errorEvent,
  });
  // Before the response is returned: afterwards the isolate may be gone.
  deps.waitUntil(save(exchange, parts, written, done, deps));
  return new Response(body, { headers: parts.headers });
}

async function whole(
  c: AppContext,
  exchange: Exchange,
  parts: AnswerParts,
  deps: ChatProxyDeps,
): Promise<Response> {
  const { dialect, context } = exchange;
  const answer = await readWholeAnswer(
    parts.body,
    dialect,
    parts.candidate.route.endpoint.counting,
    timeLeftMs(Math.min(deps.env.streamDeadlineMs, WHOLE_DEADLINE_MS), context, deps),
  );
  parts.hold?.stop();
  if (isRefusal(answer)) {
    parts.abort.abort();
    await parts.release("upstream_error");
    return refuse(c, answer);
  }
  const settled = parts.settle(answer.snapshot, "complete", null);
  parts.capture?.add(answer.bytes);
  const written = { end: "complete", snapshot: answer.snapshot } as const;
  deps.waitUntil(save(exchange, parts, Promise.resolve(written), settled, deps));
  const outcome = await inTime(settled);
  if (outcome) parts.headers.set("x-cost", outcome.cost);
  if (outcome?.balance) parts.headers.set("x-balance", outcome.balance);
  return new Response(answer.bytes, { headers: parts.headers });
}

/** What goes on behind the answer: settling, and after it its history. */
async function save(
  exchange: Exchange,
  { capture, context, headers }: AnswerParts,
  written: Promise<Written>,
  settled: Promise<unknown>,
  deps: ChatProxyDeps,
): Promise<void> {
  await settled;
  if (capture === null) return;
  const type = headers.get("content-type") ?? "";
  await saveExchange(exchange, context, await written, capture.end(), type, deps);
}

/** Whether the output was limited by what can be paid, and not by the client or the model. */
function outputLimitedBy(
  reservation: Reservation | null,
): "balance" | "guest" | "spend_limit" | null {
  const by = reservation?.output_limited_by;
  return by === "balance" || by === "guest" || by === "spend_limit" ? by : null;
}

/** Some providers take no limit as low as what the last cents of a balance, or of a day, pay for. */
function refuseTooLittle({ reservation, candidates }: Exchange): Refusal | undefined {
  const by = outputLimitedBy(reservation);
  if (reservation === null || by === null || by === "guest") return undefined;
  const least = Math.max(...candidates.map(({ route }) => route.endpoint.outputTokensMin));
  if ((reservation.output_tokens_limit ?? Infinity) >= least) return undefined;
  if (by === "spend_limit") return refuseTooLittleToday(reservation, least);
  if (reservation.balance === null) return undefined;
  return {
    code: "INSUFFICIENT_BALANCE",
    message: `Your balance of $${reservation.balance} pays for an answer of ` +
      `${reservation.output_tokens_limit} tokens, and this model gives none below ${least}. ` +
      "Add credit, or send a shorter request.",
    balance: reservation.balance,
    available: reservation.available ?? "0",
  };
}

function refuseTooLittleToday(reservation: Reservation, least: number): Refusal | undefined {
  if (!reservation.spend_limit) return undefined;
  const { limit, spent, resets_at } = reservation.spend_limit;
  return {
    code: "SPEND_LIMIT_REACHED",
    message: "What is left of today's spending limit pays for an answer of " +
      `${reservation.output_tokens_limit} tokens, and this model gives none below ${least}. ` +
      "Send a shorter request, or come back after midnight UTC.",
    resets_at,
    ...(reservation.balance !== null && { limit, spent }),
    ...(reservation.requests_limit && { requests_limit: reservation.requests_limit }),
  };
}

function timeLeftMs(
  deadlineMs: number,
  { startedMs }: SettlementContext,
  { now }: ChatProxyDeps,
): number {
  return Math.max(1, deadlineMs - (now() - startedMs));
}
