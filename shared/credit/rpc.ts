/**
 * Calls one SQL function of the ledger through the Data API.
 */
import { PostgrestClient } from "@supabase/postgrest-js";
import type { Refusal } from "../edge/refusal.ts";
import { LedgerUnavailable } from "./ledger_unavailable.ts";
import { refusalFromError } from "./refusals.ts";
import { withoutTrailingSlashes } from "../edge/trailing_slashes.ts";

export type LedgerOptions = {
  /** The project's URL. */
  url: string;
  secretKey: string;
  fetch?: typeof fetch;
  /** How long one call may take, in milliseconds. */
  timeoutMs?: number;
};

/** The Data API cancels a statement of `service_role` after 8 s: later nothing more is to come. */
const TIMEOUT_MS = 8_000;

/** What came of a call: the function's own answer, still unparsed, or its refusal. */
export type RpcResult = { kind: "answer"; data: unknown } | { kind: "refused"; refusal: Refusal };

/** Calls `public.<name>` with named arguments. Throws `LedgerUnavailable` on anything unexpected. */
export type Rpc = (name: string, args: Record<string, unknown>) => Promise<RpcResult>;

/** Builds the caller. Make one per isolate. */
export function createRpc(options: LedgerOptions): Rpc {
  // Of supabase-js this alone: the rest of it is two thirds of a cold start.
  const client = new PostgrestClient(`${withoutTrailingSlashes(options.url)}/rest/v1`, {
    headers: { apikey: options.secretKey, authorization: `Bearer ${options.secretKey}` },
    ...(options.fetch && { fetch: options.fetch }),
  });
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;

  return async (name, args) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const { data, error, status } = await client.rpc(name, args).abortSignal(signal);
    if (error === null) return { kind: "answer", data };
    const refusal = refusalFromError(error);
    if (refusal) return { kind: "refused", refusal };
    // The error's own text may hold URLs and connection details; its code does not.
    if (status === 0) throw new LedgerUnavailable(name, signal.aborted ? "timeout" : "network");
    const code = /^[A-Z0-9]{5,9}$/.test(error.code ?? "") ? `, ${error.code}` : "";
    throw new LedgerUnavailable(name, `http ${status}${code}`);
  };
}
