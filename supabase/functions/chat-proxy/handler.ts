/**
 * chat-proxy: the path of a request, as in DESIGN §2. This file owns every branch; the steps compute
 * and return.
 *
 *     request → identify → read → reserve → forward → relay → settle
 */
import { type Ledger, LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { PriceCache } from "../../../shared/credit/price_cache.ts";
import { refusalFromOutage } from "../../../shared/credit/refusals.ts";
import type { Payer } from "../../../shared/credit/requests.ts";
import type { Reservation } from "../../../shared/credit/results.ts";
import {
  addRoute,
  answerJson,
  type AppContext,
  createApp,
  refuse,
} from "../../../shared/edge/app.ts";
import type { Env } from "../../../shared/edge/env.ts";
import {
  type Caller,
  guestHeaders,
  identify,
  type IdentifyDeps,
} from "../../../shared/edge/identify.ts";
import { LOG, logError, logWarning } from "../../../shared/edge/log.ts";
import { readBody } from "../../../shared/edge/read_body.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { Dialect } from "../../../shared/llm/dialect.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { modelName } from "../../../shared/pricing/price.ts";
import { forward } from "./forward.ts";
import { createHold, type Hold } from "./hold.ts";
import { modelList } from "./models.ts";
import { type ChatCall, readChatCall } from "./read_request.ts";
import { type End, relay } from "./relay.ts";
import { findRoute, type Route } from "./route.ts";
import {
  type Outcome,
  releaseRequest,
  type SettlementContext,
  type SettlementOptions,
  settleRequest,
} from "./settlement.ts";
import { readWholeAnswer } from "./whole_answer.ts";

export type ChatProxyDeps = {
  env: Env;
  ledger: Ledger;
  prices: PriceCache;
  identify: IdentifyDeps;
  openaiChat: Dialect;
  fetch: typeof fetch;
  waitUntil: (promise: Promise<unknown>) => void;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
};

/** A settle that takes longer does not keep a whole answer from the reader. */
const COST_WAIT_MS = 1_000;

/** Builds the function: from requests to responses. */
export function createHandler(
  deps: ChatProxyDeps,
): (request: Request) => Promise<Response> {
  const app = createApp({
    slug: "chat-proxy",
    corsAllowedOrigins: deps.env.corsAllowedOrigins,
    refusalFromError: refusalFromOutage,
  });
  addRoute(app, "/", { POST: (c) => chat(c, deps.openaiChat, deps) });
  addRoute(app, "/v1/chat/completions", {
    POST: (c) => chat(c, deps.openaiChat, deps),
  });
  addRoute(app, "/v1/models", { GET: (c) => models(c, deps) });
  return async (request) => await app.fetch(request);
}

async function models(c: AppContext, deps: ChatProxyDeps): Promise<Response> {
  const caller = await identify(c.req.raw, deps.identify);
  if (isRefusal(caller)) return refuse(c, caller);
  return answerJson(
    modelList(
      await deps.prices.read(),
      (id) => deps.env.provider(id).key !== undefined,
    ),
  );
}

async function chat(
  c: AppContext,
  dialect: Dialect,
  deps: ChatProxyDeps,
): Promise<Response> {
  const startedMs = deps.now();
  const requestId = c.get("requestId");
  const caller = await identify(c.req.raw, deps.identify);
  // The body is read even where the caller is refused: an answer that comes while the client is
  // still sending never reaches it.
  const text = await readBody(c.req.raw, deps.env.maxBodyBytes);
  if (isRefusal(caller)) return refuse(c, caller);
  if (isRefusal(text)) return refuse(c, text);
  const payer = payerOf(caller, deps.env);
  if (isRefusal(payer)) return refuse(c, payer);

  const { book } = await deps.prices.read();
  const call = await readChatCall(c.req.raw.headers, text, dialect, book);
  if (isRefusal(call)) {
    if (call.code === "MODEL_NOT_FOUND") {
      noteMissingPrice(call.model, requestId, deps);
    }
    return refuse(c, call);
  }
  const route = findRoute(call.price.providerId, dialect.name, deps.env);
  if (isRefusal(route)) return refuse(c, route);

  const reservation = await reserve(requestId, payer, call, deps);
  if (isRefusal(reservation)) return refuse(c, reservation);

  const context: SettlementContext = {
    requestId,
    userId: "userId" in payer ? payer.userId : null,
    chatId: call.chatId,
    model: modelName(call.price),
    reserved: reservation !== null,
    inputTokensEstimate: call.inputTokensEstimate,
    startedMs,
  };
  const response = await answer(c, {
    dialect,
    call,
    route,
    reservation,
    context,
    startedMs,
  }, deps);
  for (const [name, value] of Object.entries(guestHeaders(caller, c.req.raw))) {
    response.headers.append(name, value);
  }
  return response;
}

/** Who pays: the user, the guest's free exchanges, or the user whom an operator acts for. */
function payerOf(caller: Caller, env: Env): Payer | Refusal {
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

/** Reserves; `null` where a switch says that the request runs without. */
async function reserve(
  requestId: string,
  payer: Payer,
  call: ChatCall,
  deps: ChatProxyDeps,
): Promise<Reservation | null | Refusal> {
  const { env } = deps;
  if (env.usageTracking === "off") {
    logWarning("USAGE_TRACKING is off: not metered", { request_id: requestId });
    return null;
  }
  try {
    const reservation = await deps.ledger.reserve({
      requestId,
      payer,
      providerId: call.price.providerId,
      modelId: call.price.modelId,
      inputTokensMax: call.inputTokensMax,
      outputTokensMax: call.request.outputTokensLimit,
      chatId: call.chatId,
      idempotencyKey: call.idempotencyKey,
      requestHash: call.requestHash,
      enforcement: env.balanceEnforcement,
    });
    if (isRefusal(reservation)) {
      if (reservation.code === "MODEL_NOT_FOUND") {
        noteMissingPrice(reservation.model, requestId, deps);
      }
      return reservation;
    }
    if (env.balanceEnforcement !== "enforce") {
      logWarning(`BALANCE_ENFORCEMENT is ${env.balanceEnforcement}`, {
        request_id: requestId,
        would_refuse: reservation.would_refuse,
      });
    }
    return reservation;
  } catch (error) {
    if (!(error instanceof LedgerUnavailable) || env.ledgerOutage !== "allow") {
      throw error;
    }
    logError("LEDGER_OUTAGE is allow: no reservation", {
      request_id: requestId,
      error,
    });
    return null;
  }
}

type Exchange = {
  dialect: Dialect;
  call: ChatCall;
  route: Route;
  reservation: Reservation | null;
  context: SettlementContext;
  startedMs: number;
};

/** Forwards, and gives the answer on; from here on every way out settles or releases. */
async function answer(
  c: AppContext,
  exchange: Exchange,
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
  const hold = reservation &&
    createHold({
      ledger: deps.ledger,
      reservation,
      heartbeatMs: env.heartbeatMs,
    });
  const abort = new AbortController();
  const settlement: SettlementOptions = deps;
  const release = (reason: string) => {
    hold?.stop();
    deps.waitUntil(releaseRequest(context, reason, settlement));
  };

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
    release("provider_rejected");
    return forwarded.response;
  }
  if (forwarded.kind === "failed") {
    release("upstream_error");
    if (forwarded.incident) noteIncident(forwarded.incident, exchange, deps);
    return refuse(c, forwarded.refusal);
  }

  const headers = new Headers({ "cache-control": "no-store" });
  headers.set(
    "content-type",
    forwarded.response.headers.get("content-type") ?? "application/json",
  );
  if (isBalanceLimited) {
    headers.set("x-output-limited-by", reservation.output_limited_by!);
  }
  if (reservation && reservation.guest_exchanges_left !== null) {
    headers.set(
      "x-free-exchanges-left",
      String(reservation.guest_exchanges_left),
    );
  }
  const settle = (
    snapshot: MeterSnapshot,
    end: End,
    firstTokenMs: number | null,
  ) => settleRequest(context, snapshot, end, firstTokenMs, settlement);
  const { body } = forwarded;
  const parts = {
    body,
    headers,
    abort,
    hold,
    settle,
    withholdUsage: upstream.withholdUsage,
  };
  return call.request.stream
    ? streamed(exchange, parts, deps)
    : await whole(c, exchange, parts, deps);
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
  withholdUsage: boolean;
};

function streamed(
  exchange: Exchange,
  parts: AnswerParts,
  deps: ChatProxyDeps,
): Response {
  const { dialect, route, context, startedMs } = exchange;
  const { body, done } = relay({
    upstream: parts.body,
    meter: dialect.createMeter(route.endpoint.counting),
    withholdUsage: parts.withholdUsage,
    abortPolicy: route.provider.abortPolicy,
    abortUpstream: () => parts.abort.abort(),
    hold: parts.hold,
    inputTokensEstimate: context.inputTokensEstimate,
    heartbeatMs: deps.env.heartbeatMs,
    deadlineMs: Math.max(
      1,
      deps.env.streamDeadlineMs - (deps.now() - startedMs),
    ),
    settle: parts.settle,
    requestId: context.requestId,
    startedMs,
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
  const { dialect, route, context, startedMs } = exchange;
  let isTimedOut = false;
  const deadline = setTimeout(() => {
    isTimedOut = true;
    parts.abort.abort();
  }, Math.max(1, deps.env.streamDeadlineMs - (deps.now() - startedMs)));
  const answer = await readWholeAnswer(
    parts.body,
    dialect,
    route.endpoint.counting,
    () => isTimedOut,
  );
  clearTimeout(deadline);
  parts.hold?.stop();
  if (isRefusal(answer)) {
    parts.abort.abort();
    deps.waitUntil(releaseRequest(context, "upstream_error", deps));
    return refuse(c, answer);
  }
  const settled = parts.settle(answer.snapshot, "complete", null);
  deps.waitUntil(settled);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const outcome = await Promise.race([
    settled,
    new Promise<null>((resolve) => timer = setTimeout(resolve, COST_WAIT_MS, null)),
  ]);
  clearTimeout(timer);
  if (outcome) parts.headers.set("x-cost", outcome.cost);
  if (outcome?.balance) parts.headers.set("x-balance", outcome.balance);
  return new Response(answer.bytes, { headers: parts.headers });
}

/** No price, no sale: and the operator hears of it, without the caller waiting. */
function noteMissingPrice(
  model: string,
  requestId: string,
  deps: ChatProxyDeps,
): void {
  logError(`${LOG.pricingMissing} ${model.replace(/[^\w.:/@+-]/g, "?")}`, {
    request_id: requestId,
  });
  recordIncident(
    "missing_price",
    requestId,
    { model: model.slice(0, 200) },
    deps,
  );
}

function noteIncident(
  kind: string,
  exchange: Exchange,
  deps: ChatProxyDeps,
): void {
  const { requestId, model } = exchange.context;
  logError(`Incident ${kind}`, { request_id: requestId, model });
  recordIncident(kind, requestId, { model }, deps);
}

function recordIncident(
  kind: string,
  requestId: string,
  details: Record<string, unknown>,
  deps: ChatProxyDeps,
): void {
  deps.waitUntil(
    deps.ledger.recordIncident({ kind, userId: null, requestId, details })
      .catch((error) =>
        logError("Could not record an incident", {
          kind,
          request_id: requestId,
          error,
        })
      ),
  );
}
