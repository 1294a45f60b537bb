/**
 * The one place where a refusal becomes HTTP.
 */
import { parseUsd, rawJsonNumber } from "../pricing/money.ts";
import type { Refusal } from "./refusal.ts";
import { requestsLimitHeaders } from "./requests_limit.ts";

/** What a dialect needs to know to word an error in its own envelope. */
export type DialectErrorInput = {
  status: number;
  code: string;
  message: string;
  param?: string;
};

export type RespondOptions = {
  requestId: string;
  /** The error envelope of the dialect in use, as an object; default: OpenAI's. */
  dialectError?: (error: DialectErrorInput) => object;
  /** Milliseconds since 1970, for `retry-after`. */
  now?: () => number;
};

/** How one refusal is told: its status, its evidence in the body, and its headers. */
type Answer = { status: number; evidence?: object; headers?: Record<string, string> };

/** Short, because an outage of the ledger or of Auth is usually a restart. */
const OUTAGE_RETRY_SECONDS = 2;
/** An answer takes seconds, and SDKs come again twice. */
const RUNNING_RETRY_SECONDS = 5;
/** The SDKs repeat 409, 429 and 5xx by themselves; here repeating cannot help or would cost. */
const DO_NOT_RETRY = { "x-should-retry": "false" };

/**
 * Answers a refusal.
 *
 * The JSON body carries `code`, `message` and the evidence at its top level, for a plain `fetch`, and
 * the dialect's own envelope beside them, so that an SDK raises the right exception. `balance` is an
 * exact JSON number. Every answer has `x-request-id` and is never cached.
 */
export function respond(refusal: Refusal, options: RespondOptions): Response {
  const { status, evidence, headers } = answer(refusal, options.now ?? Date.now);
  const param = "param" in refusal ? refusal.param : undefined;
  const envelope = (options.dialectError ?? openAiError)({
    status,
    code: refusal.code,
    message: refusal.message,
    ...(param !== undefined && { param }),
  });
  const body = JSON.stringify({
    ...envelope,
    code: refusal.code,
    message: refusal.message,
    ...(param !== undefined && { param }),
    ...evidence,
    request_id: options.requestId,
  });
  return new Response(body, {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      "x-request-id": options.requestId,
      ...headers,
    },
  });
}

function answer(refusal: Refusal, now: () => number): Answer {
  switch (refusal.code) {
    case "INVALID_REQUEST":
    case "INVALID_JSON":
      return { status: 400 };
    case "UNAUTHENTICATED":
      return { status: 401, headers: { "www-authenticate": "Bearer" } };
    case "INSUFFICIENT_BALANCE":
      return {
        status: 402,
        evidence: {
          balance: rawJsonNumber(parseUsd(refusal.balance)),
          available: refusal.available,
          currency: "USD",
        },
        headers: { "x-balance": refusal.balance, ...DO_NOT_RETRY },
      };
    case "FORBIDDEN":
      return { status: 403 };
    case "NOT_FOUND":
    case "USER_NOT_FOUND":
    case "REQUEST_NOT_FOUND":
      return { status: 404 };
    case "MODEL_NOT_FOUND":
      return { status: 404, evidence: { model: refusal.model } };
    case "PROVIDER_NOT_ENABLED":
      return { status: 404, evidence: { provider: refusal.provider } };
    case "METHOD_NOT_ALLOWED":
      return { status: 405, headers: { allow: refusal.allow } };
    case "DUPLICATE_REQUEST":
      return {
        status: 409,
        evidence: {
          duplicate_of: refusal.request_id,
          ...(refusal.receipt !== undefined && { receipt: refusal.receipt }),
        },
        // While it runs SDKs may come again: the answer will be there, or its receipt.
        headers: refusal.state === "open"
          ? { "retry-after": String(RUNNING_RETRY_SECONDS) }
          : DO_NOT_RETRY,
      };
    case "CONFLICT":
      return { status: 409, headers: { "retry-after": "1", ...DO_NOT_RETRY } };
    case "REQUEST_TOO_LARGE":
      return { status: 413, evidence: { size_bytes_max: refusal.size_bytes_max } };
    case "IDEMPOTENCY_KEY_REUSED":
      return { status: 422, headers: DO_NOT_RETRY };
    case "MODEL_NOT_ALLOWED":
      return { status: 403, evidence: { model: refusal.model } };
    case "TOO_MANY_REQUESTS": {
      const { retry_after_seconds = 1, limit, remaining, requests_limit } = refusal;
      return {
        status: 429,
        evidence: {
          retry_after_seconds,
          ...(limit !== undefined && { limit }),
          ...(remaining !== undefined && { remaining }),
        },
        headers: {
          "retry-after": String(retry_after_seconds),
          ...requestsLimitHeaders(requests_limit),
        },
      };
    }
    case "SPEND_LIMIT_REACHED": {
      const { limit, spent, resets_at, requests_limit } = refusal;
      return {
        status: 429,
        evidence: {
          ...(limit !== undefined && { limit }),
          ...(spent !== undefined && { spent }),
          resets_at,
        },
        headers: {
          "retry-after": String(secondsUntil(resets_at, now())),
          ...requestsLimitHeaders(requests_limit),
          ...DO_NOT_RETRY,
        },
      };
    }
    case "FREE_LIMIT_REACHED":
      return {
        status: 429,
        evidence: {
          limit: refusal.limit,
          ...(refusal.window_ends_at && { window_ends_at: refusal.window_ends_at }),
        },
        headers: {
          "x-free-limit": "reached",
          "retry-after": String(secondsUntil(refusal.window_ends_at, now())),
          ...DO_NOT_RETRY,
        },
      };
    case "LEDGER_UNAVAILABLE":
    case "AUTH_UNAVAILABLE":
      return { status: 503, headers: { "retry-after": String(OUTAGE_RETRY_SECONDS) } };
    case "UPSTREAM_ERROR":
      return { status: 502 };
    case "UPSTREAM_TIMEOUT":
      // The provider may have worked, and billed, all the while: asking again is the user's choice.
      return { status: 504, headers: DO_NOT_RETRY };
  }
}

/** Whole seconds until a time in ISO 8601; an hour where the time is not known. */
function secondsUntil(time: string | undefined, nowMs: number): number {
  const untilMs = time === undefined ? NaN : Date.parse(time) - nowMs;
  return Number.isFinite(untilMs) ? Math.max(1, Math.ceil(untilMs / 1000)) : 3600;
}

function openAiError({ status, code, message, param }: DialectErrorInput): object {
  return { error: { message, type: openAiType(status, code), param: param ?? null, code } };
}

/** What is over for longer than a retry waits. */
const USED_UP = new Set(["INSUFFICIENT_BALANCE", "FREE_LIMIT_REACHED", "SPEND_LIMIT_REACHED"]);

function openAiType(status: number, code: string): string {
  if (USED_UP.has(code)) return "insufficient_quota";
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/** Answers for a bug of ours: a 500 that says nothing of what went wrong; the log does. */
export function respondToBug({ requestId, dialectError = openAiError }: RespondOptions): Response {
  const code = "INTERNAL_ERROR";
  const message =
    "Something went wrong on our side. Retry, and name the request id if it persists.";
  const envelope = dialectError({ status: 500, code, message });
  return new Response(
    JSON.stringify({ ...envelope, code, message, request_id: requestId }),
    {
      status: 500,
      headers: {
        "content-type": "application/json; charset=utf-8",
        "cache-control": "no-store",
        "x-request-id": requestId,
      },
    },
  );
}
