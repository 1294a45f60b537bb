/** What a usage page says of charges and credits, in words. Unknown words are shown as they came. */
import type { UsageRecord } from "../client/types.ts";

const BASES: Readonly<Record<string, readonly [string, string]>> = {
  reported: ["Reported", "As the provider reported"],
  estimated: ["Estimated", "The provider reported nothing: estimated from what was received"],
  checkpoint: ["So far", "As far as the answer was known to have come before it broke off"],
};

const RECORD_KINDS: Readonly<Record<string, string>> = {
  charge: "Charge",
  correction: "Correction of an earlier charge",
  refund: "Refund",
};

const TRANSACTION_KINDS: Readonly<Record<string, string>> = {
  grant: "Credit",
  top_up: "Top-up",
  refund: "Refund",
  adjustment: "Correction",
};

export const basisWord = (basis: string): string => BASES[basis]?.[0] ?? basis;
export const basisMeaning = (basis: string): string => BASES[basis]?.[1] ?? basis;
export const recordKindWords = (kind: string): string => RECORD_KINDS[kind] ?? kind;
export const transactionKindWords = (kind: string): string => TRANSACTION_KINDS[kind] ?? kind;

/** A charge and its correction have one request id. */
export function recordKey(record: UsageRecord): string {
  return `${record.request_id} ${record.kind} ${record.created_at}`;
}

/** `Nov 22, 2026, 2:03 PM`, where the reader is. */
export function localTimeText(time: string): string {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(time));
}

/** `2026-11-22 14:03:07 UTC` */
export function utcTimeText(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** By its code, not its class: the client may come from another bundle than the elements. */
export function codeOf(cause: unknown): string | null {
  return cause instanceof Error && "code" in cause ? String(cause.code) : null;
}

/** What went wrong and what to do. @param what as in "The usage could not be loaded." */
export function failureText(cause: unknown, what: string): string {
  switch (codeOf(cause)) {
    case "UNAUTHENTICATED":
      return "Your session has ended. Sign in again.";
    case "NETWORK_ERROR":
      return `${what} could not be loaded: the server cannot be reached.`;
    default:
      return `${what} could not be loaded.`;
  }
}
