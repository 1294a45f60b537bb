/** What the operator should hear of, told in the background: no caller waits for it. */
import { LOG, logError } from "../../../shared/edge/log.ts";
import type { ChatProxyDeps } from "./deps.ts";

/** No price, no sale: and the operator hears of it, without the caller waiting. */
export function noteMissingPrice(
  model: string,
  requestId: string,
  deps: ChatProxyDeps,
): void {
  // As the caller wrote it, it could forge a line of the log, or be no text to PostgreSQL.
  const shown = model.slice(0, 200).replace(/[^\w.:/@+-]/g, "?");
  logError(`${LOG.pricingMissing} ${shown}`, { request_id: requestId });
  recordIncident("missing_price", requestId, { model: shown }, deps);
}

/** An upstream failure that is about our own account there. */
export function noteProviderIncident(
  kind: string,
  model: string,
  requestId: string,
  deps: ChatProxyDeps,
): void {
  logError(`Incident ${kind}`, { request_id: requestId, model });
  recordIncident(kind, requestId, { model }, deps);
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
