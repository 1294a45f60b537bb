/** The receipt of an answer that has only just ended: its charge may take a moment. */
import { FareboxError } from "./errors.ts";
import { textOf } from "./failures.ts";
import type { Http } from "./http.ts";
import type { ChatCost, Receipt } from "./types.ts";

const FIRST_WAIT_MS = 100;
const WAIT_MS_MAX = 2_000;

/**
 * @param waitMs how long to go on asking where there is none yet. It ends sooner where nothing of the
 * user's is held any more: then nothing was charged.
 * @throws FareboxError `REQUEST_NOT_FOUND`, or what else a request throws.
 */
export async function settledReceipt(
  http: Http,
  requestId: string,
  waitMs: number,
  signal?: AbortSignal,
): Promise<Receipt> {
  const read = async () => {
    const { json } = await http.json(`/balance/receipts/${encodeURIComponent(requestId)}`, {
      signal,
    });
    return json as unknown as Receipt;
  };
  const until = Date.now() + waitMs;
  let isLast = waitMs <= 0;
  for (let pauseMs = FIRST_WAIT_MS;; pauseMs = Math.min(2 * pauseMs, WAIT_MS_MAX)) {
    try {
      return await read();
    } catch (error) {
      const isNotYet = error instanceof FareboxError && error.code === "REQUEST_NOT_FOUND";
      if (!isNotYet || isLast || Date.now() >= until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    // Asked before the receipt: what is settled in between has one.
    const { json } = await http.json("/balance", { signal });
    isLast = textOf(json.reserved) === "0";
  }
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
    tokens[name] = (tokens[name] ?? 0) + count;
  }
  return {
    request_id: receipt.request_id,
    cost: receipt.cost,
    balance: receipt.balance_after,
    tokens: tokens as unknown as ChatCost["tokens"],
    basis: receipt.basis,
    code: null,
  };
}
