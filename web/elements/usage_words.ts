/** What a usage page says of charges and credits, in words. Unknown words are shown as they came. */
import type { UsageRecord } from "../client/types.ts";
import { codeOf } from "./failure_code.ts";

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
