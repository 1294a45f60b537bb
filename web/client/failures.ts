/** From what went wrong to the class that is thrown. */
import {
  FareboxError,
  FreeLimitReached,
  InsufficientBalance,
  NetworkError,
  SessionExpired,
} from "./errors.ts";

export type Json = Readonly<Record<string, unknown>>;

/**
 * Reads JSON; undefined where it is none. A balance comes as a number: its own digits are kept as a
 * string, for `Number` would round them.
 */
export function parseJson(text: string): Json | undefined {
  try {
    const json: unknown = JSON.parse(
      text.replace(/"balance":\s*(-?\d[\d.eE+-]*)/g, '"balance":"$1"'),
    );
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

/** The refusal of a response that is not OK. */
export async function refusalOf(response: Response, hadSession: boolean): Promise<FareboxError> {
  const { status, headers } = response;
  const body = parseJson(await response.text().catch(() => ""));
  if (body === undefined) return badAnswer(response);
  const envelope = isObject(body.error) ? body.error : {};
  const code = textOf(body.code) ?? textOf(envelope.code) ?? textOf(envelope.type) ??
    `HTTP_${status}`;
  const message = textOf(body.message) ?? textOf(envelope.message) ?? textOf(body.msg) ??
    `The request failed with status ${status}.`;
  const facts = {
    code,
    status,
    body,
    requestId: textOf(body.request_id) ?? headers.get("x-request-id"),
    retryAfterSeconds: retryAfter(headers.get("retry-after")),
  };
  if (code === "INSUFFICIENT_BALANCE") return new InsufficientBalance(message, facts);
  if (code === "FREE_LIMIT_REACHED") return new FreeLimitReached(message, facts);
  if (status === 401 && hadSession) return sessionExpired({ ...facts, body });
  return new FareboxError(message, facts);
}

/** The error event of a stream: the answer broke off after it had begun. */
export function errorInStream(error: unknown, requestId: string | null): FareboxError {
  const facts = isObject(error) ? error : {};
  return new FareboxError(
    textOf(facts.message) ?? textOf(error) ?? "The provider broke off.",
    {
      code: textOf(facts.code) ?? textOf(facts.type) ?? "UPSTREAM_ERROR",
      status: null,
      requestId,
      body: facts,
    },
  );
}

export function badAnswer({ status, headers }: Response): FareboxError {
  const type = headers.get("content-type") ?? "no content type";
  return new FareboxError(
    `This is no answer of Farebox's (status ${status}, ${type}). Check the project's address.`,
    { code: "BAD_ANSWER", status, requestId: headers.get("x-request-id") },
  );
}

export function sessionExpired(
  facts: { readonly cause?: unknown; readonly body?: Json; readonly requestId?: string | null },
): SessionExpired {
  return new SessionExpired("Your session has ended. Sign in again.", {
    code: "UNAUTHENTICATED",
    status: 401,
    ...facts,
  });
}

export function networkError(cause: unknown): NetworkError {
  return new NetworkError("The server cannot be reached. Check the connection and try again.", {
    code: "NETWORK_ERROR",
    status: null,
    cause,
  });
}

export function brokenConnection(requestId: string | null, cause?: unknown): NetworkError {
  return new NetworkError(
    "The connection broke. What was received is charged; try again.",
    { code: "NETWORK_ERROR", status: null, requestId, cause },
  );
}

/** Of any reason, the error that callers look for by its name. */
export function aborted(signal: AbortSignal): DOMException {
  const { reason } = signal;
  return reason?.name === "AbortError" ? reason : new DOMException("Aborted", "AbortError");
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Seconds, or a date. */
function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  const seconds = /^\d+$/.test(header)
    ? Number(header)
    : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
