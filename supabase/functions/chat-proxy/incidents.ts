/** What the operator should hear of, told in the background: no caller waits for it. */
import { LOG, logError } from "../../../shared/edge/log.ts";
import type { ChatProxyDeps } from "./deps.ts";

/** For how long what was recorded is not recorded again. */
const RECORDED_MS = 10 * 60_000;
/** Anybody can invent names: so many rows are enough to see that somebody does. */
const RECORDED_NAMES_MAX = 20;
/** When each thing was recorded last, by function; there is one in an isolate. */
const recordedBy = new WeakMap<ChatProxyDeps, Map<string, number>>();

/**
 * No price, no sale: and the operator hears of it, without the caller waiting. Every time in the log,
 * and as an incident once a name; of names that may be invented, for so many.
 *
 * @param isOffered whether it was in the price book, so that nobody has invented it.
 */
export function noteMissingPrice(
  model: string,
  requestId: string,
  deps: ChatProxyDeps,
  isOffered = false,
): void {
  // As the caller wrote it, it could forge a line of the log, or be no text to PostgreSQL.
  const shown = model.slice(0, 200).replace(/[^\w.:/@+-]/g, "?");
  logError(`${LOG.pricingMissing} ${shown}`, { request_id: requestId });
  if (isNews(isOffered ? `offered ${shown}` : shown, deps, isOffered)) {
    recordIncident("missing_price", requestId, { model: shown }, deps);
  }
}

function isNews(name: string, deps: ChatProxyDeps, isKnown: boolean): boolean {
  const recorded = recordedBy.get(deps) ?? new Map<string, number>();
  recordedBy.set(deps, recorded);
  const nowMs = deps.now();
  for (const [old, atMs] of recorded) if (nowMs - atMs >= RECORDED_MS) recorded.delete(old);
  if (recorded.has(name) || (!isKnown && recorded.size >= RECORDED_NAMES_MAX)) return false;
  recorded.set(name, nowMs);
  return true;
}

/** An upstream failure that is about our own account there; once a model in a while. */
export function noteProviderIncident(
  kind: string,
  model: string,
  requestId: string,
  deps: ChatProxyDeps,
): void {
  logError(`Incident ${kind}`, { request_id: requestId, model });
  if (isNews(`${kind} ${model}`, deps, true)) recordIncident(kind, requestId, { model }, deps);
}

function recordIncident(
  kind: string,
  requestId: string,
  details: Record<string, unknown>,
  deps: ChatProxyDeps,
): void {
  deps.waitUntil(
    deps.ledger.recordIncident({ kind, userId: null, requestId, details })
      .catch((error) =>
        logError("Could not record an incident", {
          kind,
          request_id: requestId,
          error,
        })
      ),
  );
}
