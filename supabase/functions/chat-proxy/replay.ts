/** A request that came before, by its Idempotency-Key: what to answer in place of asking again. */
import type { Payer } from "../../../shared/credit/requests.ts";
import { fromBase64 } from "../../../shared/edge/base64.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { ChatProxyDeps } from "./deps.ts";

/** An answer as it was given, to be given again. */
export type StoredAnswer = {
  requestId: string;
  model: string;
  bytes: Uint8Array<ArrayBuffer>;
  contentType: string;
};

type Duplicate = Extract<Refusal, { code: "DUPLICATE_REQUEST" }>;

/** An answer is saved after it was settled: who asks in between waits so long, and looks so often. */
const SAVED_WITHIN_MS = 1_000;
const LOOK_AGAIN_MS = 200;
/** What ended earlier than that, and is not there by now, was not saved. */
const JUST_ENDED_MS = 5_000;

/**
 * Finds the answer to a request that has ended.
 *
 * @returns the stored answer, or the refusal to tell: that it still runs (come again), or that it has
 * ended, with its receipt. A guest has neither history nor receipts.
 */
export async function findAnswer(
  duplicate: Duplicate,
  payer: Payer,
  { ledger, settings, sleep }: Pick<ChatProxyDeps, "ledger" | "settings" | "sleep">,
): Promise<StoredAnswer | Refusal> {
  if (duplicate.state === "open" || !("userId" in payer)) return duplicate;
  const { userId } = payer;
  const requestId = duplicate.request_id;
  const { savesChatHistory } = await settings.read();
  for (let waitedMs = 0;; waitedMs += LOOK_AGAIN_MS) {
    const ended = await ledger.endedRequest({ userId, requestId });
    if (isRefusal(ended)) return ended;
    const { exchange, receipt, ended_ms_ago: endedMsAgo } = ended;
    if (exchange?.response && exchange.response_type !== null) {
      const { model, response, response_type: contentType } = exchange;
      return { requestId, model, bytes: fromBase64(response), contentType };
    }
    const isComing = savesChatHistory && exchange === null && endedMsAgo !== null &&
      endedMsAgo < JUST_ENDED_MS && waitedMs < SAVED_WITHIN_MS;
    if (!isComing) return { ...duplicate, ...(receipt === null && NOT_CHARGED), receipt };
    await sleep(LOOK_AGAIN_MS);
  }
}

const NOT_CHARGED = {
  message: "A request with this Idempotency-Key has ended, and nothing was charged for it. Use a " +
    "new key to ask again.",
};

/** The stored bytes as the response that they were. */
export function replay({ requestId, model, bytes, contentType }: StoredAnswer): Response {
  return new Response(bytes, {
    headers: {
      "cache-control": "no-store",
      "content-type": contentType,
      "x-model": model,
      "x-idempotent-replay": "true",
      "x-original-request-id": requestId,
    },
  });
}
