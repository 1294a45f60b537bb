/** Costs that did not come with their answer: the charge is known to the server, and is asked for. */
import { signal } from "@preact/signals";
import { FareboxError } from "../../client/errors.ts";
import { costOf } from "../../client/settled_receipt.ts";
import type { ChatCost } from "../../client/types.ts";
import { services } from "./services.ts";

/** A broken connection is noticed by the server late, and the provider may write to its end first. */
const RECEIPT_WAIT_MS = 30_000;
const ATTEMPTS_MAX = 10;
const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 8_000;

/** A request that was given up before it began ends soon, or was never begun. */
const UNKNOWN_WAIT_MS = 10_000;
const LOOKS_MIN = 2;
const FIRST_LOOK_MS = 250;
const LOOK_MS_MAX = 2_000;
const LATEST_CHARGES = 20;

/** Ids of the requests whose cost is being looked up. */
export const costsAwaited = signal<ReadonlySet<string>>(new Set());

/**
 * Waits until the machine is online, and asks. A user's only: guests have no receipts.
 * @returns a cost of 0 where nothing was charged; null where nobody can say.
 */
export async function findCost(requestId: string): Promise<ChatCost | null> {
  costsAwaited.value = new Set(costsAwaited.value).add(requestId);
  try {
    return await ask(requestId);
  } finally {
    const rest = new Set(costsAwaited.value);
    rest.delete(requestId);
    costsAwaited.value = rest;
  }
}

async function ask(requestId: string): Promise<ChatCost | null> {
  const { farebox } = services();
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    await untilOnline();
    try {
      return costOf(await farebox.receipt(requestId, { waitMs: RECEIPT_WAIT_MS }));
    } catch (error) {
      if (!(error instanceof FareboxError)) throw error;
      const isMissing = error.code === "REQUEST_NOT_FOUND";
      if (isMissing && !await isHeld()) return nothingCharged(requestId);
      // The server's troubles pass; another refusal does not.
      if (!isMissing && !isPassing(error)) return null;
    }
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, PAUSE_MS_MAX);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return null;
}

/**
 * Looks for the charge of a request that was given up before its id was known: it is the chat's, was
 * made after `since` (ISO 8601), and no message has it.
 * @returns null where nothing was charged, as far as is known.
 */
export async function findUnknownCost(
  chatId: string,
  since: string,
  isKnown: (requestId: string) => boolean,
): Promise<ChatCost | null> {
  const { farebox } = services();
  const until = Date.now() + UNKNOWN_WAIT_MS;
  for (let look = 1;; look++) {
    await untilOnline();
    try {
      // Asked before the list: what is settled in between is in it.
      const balance = await farebox.balance();
      if (balance.kind === "guest") return null;
      const { records } = await farebox.usage({ chatId, limit: LATEST_CHARGES });
      const found = records.find(({ request_id, created_at }) =>
        Date.parse(created_at) >= Date.parse(since) && !isKnown(request_id)
      );
      if (found !== undefined) return costOf(await farebox.receipt(found.request_id));
      if (look >= LOOKS_MIN && balance.reserved === "0") return null;
    } catch (error) {
      if (!(error instanceof FareboxError)) throw error;
      if (!isPassing(error)) return null;
    }
    if (Date.now() >= until) return null;
    const pauseMs = Math.min(FIRST_LOOK_MS * 2 ** look, LOOK_MS_MAX);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** The functions may be restarting, or their database. */
function isPassing({ status }: FareboxError): boolean {
  return status === null || status === 429 || status >= 500;
}

/** Whether something may still be charged: what a dead worker left is settled minutes later. */
async function isHeld(): Promise<boolean> {
  try {
    const balance = await services().farebox.balance();
    return balance.kind === "user" && balance.reserved !== "0";
  } catch {
    return true;
  }
}

function untilOnline(): Promise<void> {
  if (navigator.onLine) return Promise.resolve();
  return new Promise((resolve) => addEventListener("online", () => resolve(), { once: true }));
}

function nothingCharged(requestId: string): ChatCost {
  return {
    request_id: requestId,
    cost: "0",
    balance: null,
    tokens: null,
    basis: "none",
    code: null,
  };
}
