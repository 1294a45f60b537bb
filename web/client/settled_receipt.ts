/** The receipt of an answer that has only just ended: its charge may take a moment. */
import { FareboxError } from "./errors.ts";
import type { Http } from "./http.ts";
import type { ChatCost, Receipt, UsagePage } from "./types.ts";

const FIRST_WAIT_MS = 100;
const WAIT_MS_MAX = 2_000;

/**
 * @param waitMs how long to look for it where there is none yet. It ends sooner where nothing of the
 * user's is held any more: then nothing was charged.
 * @param onWait called for each time that it was waited for.
 * @throws FareboxError `REQUEST_NOT_FOUND`, or what else a request throws.
 */
export async function settledReceipt(
  http: Http,
  requestId: string,
  waitMs: number,
  signal?: AbortSignal,
  onWait?: () => void,
): Promise<Receipt> {
  const read = async <T>(path: string) => (await http.json(path, { signal })).json as T;
  const until = Date.now() + waitMs;
  // It is looked for in the list: a browser logs each receipt that is not there yet as an error.
  for (let pauseMs = FIRST_WAIT_MS; waitMs > 0; pauseMs = Math.min(2 * pauseMs, WAIT_MS_MAX)) {
    // Asked before the list: what is settled in between is in it.
    const { reserved } = await read<{ reserved: string }>("/balance");
    const { records, next_before } = await read<UsagePage>("/balance/usage?limit=50");
    if (records.some((record) => record.request_id === requestId)) break;
    if (reserved === "0" || Date.now() >= until) {
      // It may be older than the list begins.
      if (next_before !== null) break;
      throw nothingCharged(requestId);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    onWait?.();
  }
  return await read(`/balance/receipts/${encodeURIComponent(requestId)}`);
}

function nothingCharged(requestId: string): FareboxError {
  const message = "No charge is known of this request.";
  return new FareboxError(message, { code: "REQUEST_NOT_FOUND", status: null, requestId });
}

/** What the trailing comment would have said. */
export function costOf(receipt: Receipt): ChatCost {
  const tokens: Record<string, number> = {
    input: 0,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    output: 0,
  };
  for (const { class: name, tokens: count } of receipt.lines ?? []) {
    // Searches are counted, and have no tokens.
    if (count) tokens[name] = (tokens[name] ?? 0) + count;
  }
  return {
    request_id: receipt.request_id,
    cost: receipt.cost,
    ...(receipt.collected !== receipt.cost && { collected: receipt.collected }),
    balance: receipt.balance_after,
    tokens: tokens as unknown as ChatCost["tokens"],
    basis: receipt.basis,
    code: null,
  };
}
