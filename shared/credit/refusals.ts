/**
 * Reads a refusal that a SQL function raised: SQLSTATE `PTnnn`, a sentence, a hint, and in DETAIL the
 * JSON `{"code":"INSUFFICIENT_BALANCE", …evidence}`.
 */
import * as z from "zod/mini";
import type { Refusal } from "../edge/refusal.ts";
import { LedgerUnavailable } from "./ledger_unavailable.ts";

/** An error as the Data API tells it. */
export type DataApiError = {
  code?: string | null;
  message?: string | null;
  details?: string | null;
  hint?: string | null;
};

const decimal = z.string().check(z.regex(/^-?\d+(\.\d+)?$/));

const requestsLimit = z.object({
  limit: z.number(),
  remaining: z.number(),
  reset_seconds: z.number(),
});

const Details = z.discriminatedUnion("code", [
  z.object({ code: z.literal("INSUFFICIENT_BALANCE"), balance: decimal, available: decimal }),
  z.object({ code: z.literal("MODEL_NOT_FOUND"), model: z.string() }),
  z.object({ code: z.literal("USER_NOT_FOUND") }),
  z.object({ code: z.literal("REQUEST_NOT_FOUND") }),
  z.object({
    code: z.literal("DUPLICATE_REQUEST"),
    request_id: z.string(),
    state: z.optional(z.string()),
  }),
  z.object({ code: z.literal("IDEMPOTENCY_KEY_REUSED") }),
  z.object({ code: z.literal("MODEL_NOT_ALLOWED"), model: z.string() }),
  z.object({
    code: z.literal("TOO_MANY_REQUESTS"),
    retry_after_seconds: z.optional(z.number()),
    limit: z.optional(z.number()),
    remaining: z.optional(z.number()),
    requests_limit: z.nullish(requestsLimit),
  }),
  z.object({
    code: z.literal("SPEND_LIMIT_REACHED"),
    resets_at: z.string(),
    limit: z.optional(decimal),
    spent: z.optional(decimal),
    requests_limit: z.nullish(requestsLimit),
  }),
  z.object({
    code: z.literal("FREE_LIMIT_REACHED"),
    limit: z.number(),
    window_ends_at: z.nullish(z.string()),
  }),
  z.object({ code: z.literal("KEY_CONFLICT") }),
  z.object({ code: z.literal("RESERVATION_CLOSED") }),
  z.object({ code: z.literal("INVALID_ARGUMENT") }),
]);

/** The refusal in an error of the Data API; undefined when the error is no refusal of ours. */
export function refusalFromError(error: DataApiError): Refusal | undefined {
  if (!/^PT\d{3}$/.test(error.code ?? "")) return undefined;
  const parsed = Details.safeParse(parseJson(error.details));
  if (!parsed.success) return undefined;
  const details = parsed.data;
  const message = [error.message, error.hint].filter(Boolean).join(" ");
  switch (details.code) {
    case "FREE_LIMIT_REACHED": {
      const { code, limit, window_ends_at } = details;
      return { code, message, limit, ...(window_ends_at && { window_ends_at }) };
    }
    case "DUPLICATE_REQUEST": {
      const { code, request_id, state } = details;
      return { code, message, request_id, ...(state !== undefined && { state }) };
    }
    case "TOO_MANY_REQUESTS": {
      const { code, retry_after_seconds, limit, remaining, requests_limit } = details;
      return {
        code,
        message,
        ...(retry_after_seconds !== undefined && { retry_after_seconds }),
        ...(limit !== undefined && { limit }),
        ...(remaining !== undefined && { remaining }),
        ...(requests_limit && { requests_limit }),
      };
    }
    case "SPEND_LIMIT_REACHED": {
      const { code, resets_at, limit, spent, requests_limit } = details;
      return {
        code,
        message,
        resets_at,
        ...(limit !== undefined && { limit }),
        ...(spent !== undefined && { spent }),
        ...(requests_limit && { requests_limit }),
      };
    }
    case "KEY_CONFLICT":
    case "RESERVATION_CLOSED":
      return { code: "CONFLICT", message };
    case "INVALID_ARGUMENT":
      return { code: "INVALID_REQUEST", message };
    default:
      return { ...details, message };
  }
}

/** What to tell a caller while the ledger is out of reach; undefined for any other error. */
export function refusalFromOutage(error: unknown): Refusal | undefined {
  if (!(error instanceof LedgerUnavailable)) return undefined;
  return {
    code: "LEDGER_UNAVAILABLE",
    message: "The ledger cannot be reached, so nothing was done. Retry in a moment.",
  };
}

function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
