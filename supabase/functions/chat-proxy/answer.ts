/**
 * From the reservation to the response: forward, then relay a stream or read a whole answer. From
 * here on every way out settles or releases.
 */
import type { Reservation } from "../../../shared/credit/results.ts";
import { type AppContext, refuse } from "../../../shared/edge/app.ts";
import { LOG, logError } from "../../../shared/edge/log.ts";
import { isRefusal } from "../../../shared/edge/refusal.ts";
import type { Dialect } from "../../../shared/llm/dialect.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import type { ChatProxyDeps } from "./deps.ts";
import type { End, Outcome } from "./ending.ts";
import { forward } from "./forward.ts";
import { createHold, type Hold } from "./hold.ts";
import { inTime } from "./in_time.ts";
import { noteProviderIncident } from "./incidents.ts";
import type { ChatCall } from "./read_request.ts";
import { relay } from "./relay.ts";
import type { Route } from "./route.ts";
import { releaseRequest, type SettlementContext, settleRequest } from "./settlement.ts";
import { readWholeAnswer } from "./whole_answer.ts";

/**
 * The platform answers 504 for us after 150 s without a byte, and a whole answer has no byte before
 * its last: what came later would be charged and never seen.
 */
const WHOLE_DEADLINE_MS = 140_000;

/** One request that has its reservation. */
export type Exchange = {
  dialect: Dialect;
  call: ChatCall;
  route: Route;
  reservation: Reservation | null;
  context: SettlementContext;
};

/** Forwards the request and gives the answer on. */
export async function answer(
  c: AppContext,
  exchange: Exchange,
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
    return await exchangeWithProvider(c, exchange, hold, release, deps);
  } catch (error) {
    // A bug; but the hold must not keep its reservation alive for ever.
    await release("bug");
    throw error;
  }
}

async function exchangeWithProvider(
  c: AppContext,
  exchange: Exchange,
  hold: Hold | null,
  release: (reason: string) => Promise<void>,
  deps: ChatProxyDeps,
): Promise<Response> {
  const { dialect, call, route, reservation, context } = exchange;
  const { env } = deps;
  const isBalanceLimited = reservation?.output_limited_by === "balance" ||
    reservation?.output_limited_by === "guest";
  const upstream = dialect.rewriteRequest(call.request, {
    model: call.price.modelId,
    outputTokensLimit: isBalanceLimited
      ? reservation.output_tokens_limit
      : call.request.outputTokensLimit,
    usageSwitch: route.endpoint.usageSwitch,
    outputLimitFields: route.endpoint.outputLimitFields,
  });
  const abort = new AbortController();
  const forwarded = await forward({
    ...route,
    upstream,
    stream: call.request.stream,
    requestId: context.requestId,
    timeoutMs: env.upstreamTimeoutMs,
    fetch: deps.fetch,
    abort,
  });
  if (forwarded.kind === "rejected") {
    await release("provider_rejected");
    return forwarded.response;
  }
  if (forwarded.kind === "failed") {
    await release("upstream_error");
    if (forwarded.incident) {
      noteProviderIncident(forwarded.incident, context.model, context.requestId, deps);
    }
    return refuse(c, forwarded.refusal);
  }

  const contentType = forwarded.response.headers.get("content-type") ?? "application/json";
  const headers = new Headers({ "cache-control": "no-store", "content-type": contentType });
  if (isBalanceLimited) {
    headers.set("x-output-limited-by", reservation.output_limited_by!);
  }
  if (reservation && reservation.guest_exchanges_left !== null) {
    headers.set(
      "x-free-exchanges-left",
      String(reservation.guest_exchanges_left),
    );
  }
  const settle = (snapshot: MeterSnapshot, end: End, firstTokenMs: number | null) =>
    settleRequest(context, snapshot, end, firstTokenMs, deps).catch((error: unknown) => {
      // A bug of ours must not break the answer. The reservation stays, for the sweeper.
      logError(LOG.deductionFailed, { request_id: context.requestId, reason: "bug", error });
      return null;
    });
  const { body } = forwarded;
  const parts = {
    body,
    headers,
    abort,
    hold,
    settle,
    release,
    withholdUsage: upstream.withholdUsage,
  };
  // Some providers answer a streamed request whole: as a stream its usage would not be seen.
  const isStream = call.request.stream && !/^application\/json\b/i.test(contentType);
  return isStream ? streamed(exchange, parts, deps) : await whole(c, exchange, parts, deps);
}

type AnswerParts = {
  body: ReadableStream<Uint8Array>;
  headers: Headers;
  abort: AbortController;
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
  const { dialect, call, route, context } = exchange;
  const { body, done } = relay({
    upstream: parts.body,
    meter: dialect.createMeter(route.endpoint.counting),
    withholdUsage: parts.withholdUsage,
    // Reasoning that is not shown can not be estimated either: only the report tells it.
    abortPolicy: call.price.hidesReasoning ? "drain" : route.provider.abortPolicy,
    abortUpstream: () => parts.abort.abort(),
    hold: parts.hold,
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
  deps.waitUntil(done);
  return new Response(body, { headers: parts.headers });
}

async function whole(
  c: AppContext,
  exchange: Exchange,
  parts: AnswerParts,
  deps: ChatProxyDeps,
): Promise<Response> {
  const { dialect, route, context } = exchange;
  const answer = await readWholeAnswer(
    parts.body,
    dialect,
    route.endpoint.counting,
    timeLeftMs(Math.min(deps.env.streamDeadlineMs, WHOLE_DEADLINE_MS), context, deps),
  );
  parts.hold?.stop();
  if (isRefusal(answer)) {
    parts.abort.abort();
    await parts.release("upstream_error");
    return refuse(c, answer);
  }
  const settled = parts.settle(answer.snapshot, "complete", null);
  deps.waitUntil(settled);
  const outcome = await inTime(settled);
  if (outcome) parts.headers.set("x-cost", outcome.cost);
  if (outcome?.balance) parts.headers.set("x-balance", outcome.balance);
  return new Response(answer.bytes, { headers: parts.headers });
}

function timeLeftMs(
  deadlineMs: number,
  { startedMs }: SettlementContext,
  { now }: ChatProxyDeps,
): number {
  return Math.max(1, deadlineMs - (now() - startedMs));
}
