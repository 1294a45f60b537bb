/**
 * What of an answer lies at the provider, in the account that all users share: a request may go on
 * from what its own user was given, and from nothing else (docs/adr/0018).
 */
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { Payer } from "../../../shared/credit/requests.ts";
import { logError } from "../../../shared/edge/log.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { ModelRequest } from "../../../shared/llm/dialect.ts";
import type { ChatProxyDeps } from "./deps.ts";

/** Providers' ids are 20 to 70 letters and digits; gateways wrap them into some hundreds. */
const ID = /^[\w.:@+/=|~-]{1,1000}$/;
/** A restart of Postgres takes seconds. */
const REPEAT_AFTER_MS = [500, 2_000, 8_000, 30_000];

/** What a request goes on from, found to be its user's own. */
export type OwnReferences = {
  kind: "own";
  /** Remembered anew with the answer: what is used does not grow old. */
  ids: readonly string[];
};

/**
 * Refuses a request that goes on from what was not given to who asks.
 *
 * @throws LedgerUnavailable where nobody can tell whose it is.
 */
export async function checkReferences(
  { references = [] }: Pick<ModelRequest, "references">,
  payer: Payer,
  { ledger, settings }: Pick<ChatProxyDeps, "ledger" | "settings">,
): Promise<OwnReferences | Refusal> {
  const isAsked = references.length > 0 && (await settings.read()).ownStoredItemsOnly;
  if (!isAsked) return { kind: "own", ids: [] };
  const ids = [...new Set(references.map(({ id }) => id).filter((id) => ID.test(id)))];
  // Guests have no answers to go on from: such a prompt is more than they may send.
  const foreign = "userId" in payer && ids.length > 0
    ? await ledger.foreignStoredItems({ userId: payer.userId, ids })
    : ids;
  if (isRefusal(foreign)) return foreign;
  const first = references.find(({ id }) => !ID.test(id) || foreign.includes(id));
  if (first === undefined) return { kind: "own", ids };
  return {
    code: "INVALID_REQUEST",
    message: `No answer that was given to you here in the last 30 days has the id in ` +
      `${first.param}. Send the conversation itself as input, and leave out what is named so.`,
    param: first.param,
  };
}

/**
 * Remembers what was given to a user, and what that went on from. Resolves after the first attempt, of
 * which there are some behind the answer. Never rejects: at worst the next request has to send the
 * conversation itself.
 *
 * @param storedIds as the answer has told them.
 * @param body of the request. An id that stands in it was not made by the provider but echoed: some
 * servers let their clients name the answer, who could name another's.
 */
export async function rememberStored(
  { userId, requestId }: { userId: string | null; requestId: string },
  storedIds: readonly string[],
  { body, own }: { body: unknown; own: OwnReferences },
  { ledger, sleep, waitUntil }: Pick<ChatProxyDeps, "ledger" | "sleep" | "waitUntil">,
): Promise<void> {
  if (userId === null || storedIds.length === 0) return;
  const asked = JSON.stringify(body);
  const made = storedIds.filter((id) => ID.test(id) && !asked.includes(id));
  const ids = [...new Set([...made, ...own.ids])];
  if (ids.length === 0) return;

  /** Why it could not be done; null when it was. */
  async function attempt(): Promise<string | null> {
    try {
      const result = await ledger.rememberStoredItems({ userId: userId!, ids });
      return isRefusal(result) ? result.code : null;
    } catch (error) {
      return error instanceof LedgerUnavailable ? error.message : "a bug";
    }
  }

  if (await attempt() === null) return;
  waitUntil((async () => {
    let reason: string | null = null;
    for (const waitMs of REPEAT_AFTER_MS) {
      await sleep(waitMs);
      reason = await attempt();
      if (reason === null) return;
    }
    logError("Could not remember whose an answer is", { request_id: requestId, reason });
  })());
}
