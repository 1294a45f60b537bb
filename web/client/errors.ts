/** What can go wrong, as classes. Every message says what happened and what to do. */

export interface FareboxErrorFacts {
  /** A refusal's code (`INSUFFICIENT_BALANCE`), or the client's own: `NETWORK_ERROR`, `BAD_ANSWER`. */
  readonly code: string;
  /** HTTP status; null where there was no response, or the answer broke off after it had begun. */
  readonly status: number | null;
  readonly requestId?: string | null;
  readonly retryAfterSeconds?: number | null;
  /** The refusal's body, for its evidence. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** All errors of the client, but for the `AbortError` of an aborted signal. */
export class FareboxError extends Error {
  override readonly name: string = "FareboxError";
  readonly code: string;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(message: string, facts: FareboxErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.status = facts.status;
    this.requestId = facts.requestId ?? null;
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
    this.body = facts.body ?? {};
  }
}

/** 402: the balance does not pay for this request. */
export class InsufficientBalance extends FareboxError {
  override readonly name = "InsufficientBalance";
  /** Decimal USD; null where the refusal did not say. */
  get balance(): string | null {
    return textOf(this.body.balance);
  }
}

/** 429: a guest's free exchanges are used. */
export class FreeLimitReached extends FareboxError {
  override readonly name = "FreeLimitReached";
  get limit(): number | null {
    return typeof this.body.limit === "number" ? this.body.limit : null;
  }
  /** ISO 8601: when the free exchanges come back. */
  get windowEndsAt(): string | null {
    return textOf(this.body.window_ends_at);
  }
}

/** 401: the session has ended or was never good. Sign in again. */
export class SessionExpired extends FareboxError {
  override readonly name = "SessionExpired";
}

/** The machine is offline, or the connection broke. `requestId` is set if the answer had begun. */
export class NetworkError extends FareboxError {
  override readonly name = "NetworkError";
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : null;
}
