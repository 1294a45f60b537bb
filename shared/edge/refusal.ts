/**
 * Everything that Farebox can refuse, as data. A step returns a `Refusal` and never a `Response`;
 * `respond.ts` turns it into HTTP in one place. Bugs throw; refusals do not.
 *
 * Every refusal carries `message` (what happened and what to do, one or two sentences for a person)
 * and its evidence. Amounts are decimal strings in USD.
 */
export type Refusal =
  | { code: "INVALID_REQUEST"; message: string; param?: string }
  | { code: "INVALID_JSON"; message: string }
  | { code: "UNAUTHENTICATED"; message: string }
  | { code: "FORBIDDEN"; message: string }
  | { code: "NOT_FOUND"; message: string }
  | { code: "METHOD_NOT_ALLOWED"; message: string; allow: string }
  | { code: "REQUEST_TOO_LARGE"; message: string; size_bytes_max: number }
  | { code: "MODEL_NOT_FOUND"; message: string; model: string }
  | { code: "PROVIDER_NOT_ENABLED"; message: string; provider: string }
  | { code: "INSUFFICIENT_BALANCE"; message: string; balance: string; available: string }
  /**
   * `state`: of the reservation of the first request; `open` while it runs. `receipt`: what the first
   * one cost, where it has ended; null where nothing was charged.
   */
  | {
    code: "DUPLICATE_REQUEST";
    message: string;
    request_id: string;
    state?: string;
    receipt?: object | null;
  }
  | { code: "IDEMPOTENCY_KEY_REUSED"; message: string }
  | { code: "MODEL_NOT_ALLOWED"; message: string; model: string }
  | {
    code: "TOO_MANY_REQUESTS";
    message: string;
    retry_after_seconds?: number;
    /** How many the guard rail allows, and how many are left of them; absent of a provider's. */
    limit?: number;
    remaining?: number;
    requests_limit?: RequestsLimit;
  }
  | {
    code: "SPEND_LIMIT_REACHED";
    message: string;
    /** ISO 8601: the next midnight UTC. */
    resets_at: string;
    /** The user's own day. What all guests spend is told to none of them. */
    limit?: string;
    spent?: string;
    requests_limit?: RequestsLimit;
  }
  | { code: "FREE_LIMIT_REACHED"; message: string; limit: number; window_ends_at?: string }
  | { code: "CONFLICT"; message: string }
  | { code: "USER_NOT_FOUND"; message: string }
  | { code: "REQUEST_NOT_FOUND"; message: string }
  | { code: "LEDGER_UNAVAILABLE"; message: string }
  | { code: "AUTH_UNAVAILABLE"; message: string }
  | { code: "UPSTREAM_ERROR"; message: string }
  | { code: "UPSTREAM_TIMEOUT"; message: string };

/** How many requests a user has in a minute, where an operator limits them. */
export type RequestsLimit = { limit: number; remaining: number; reset_seconds: number };

/** The stable, public name of a refusal. */
export type RefusalCode = Refusal["code"];

/** Tells a refusal from the value that a step would have returned. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "code" in value && "message" in value &&
    typeof value.code === "string" && typeof value.message === "string";
}
