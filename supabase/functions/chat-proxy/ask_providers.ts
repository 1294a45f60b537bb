/** One request put to its candidates, each in its provider's own form, until one answers. */
import { logWarning } from "../../../shared/edge/log.ts";
import { modelName } from "../../../shared/pricing/price.ts";
import { type FailedAttempt, forwardToFirst } from "./attempts.ts";
import type { ChatProxyDeps } from "./deps.ts";
import type { Exchange } from "./exchange.ts";
import type { Forwarded } from "./forward.ts";
import { noteProviderIncident } from "./incidents.ts";
import type { Candidate } from "./route.ts";
import { sendUpstream, type Sent } from "./send_upstream.ts";

export type Asked = {
  forwarded: Forwarded;
  /** Who answered, or failed last. */
  candidate: Candidate;
  /** Ends that one's request. */
  abort: AbortController;
  /** Usage was switched on there for us alone. */
  withholdUsage: boolean;
};

/**
 * Asks.
 *
 * @param isLimited whether the reservation lowers the output limit to what can be paid.
 * @param client aborted when the client has left, where the platform tells.
 */
export async function askProviders(
  exchange: Exchange,
  isLimited: boolean,
  client: AbortSignal,
  deps: ChatProxyDeps,
): Promise<Asked> {
  const { dialect, call, candidates, context: { requestId } } = exchange;
  let sent: Sent | undefined;
  const { forwarded, candidate } = await forwardToFirst(candidates, {
    send: (asked, timeoutMs) => {
      const limit = outputLimitFor(modelName(asked.price), exchange, isLimited);
      // Only the first of the candidates can be on its way, and only once.
      sent = exchange.early?.take(limit) ??
        sendUpstream({ dialect, call, requestId }, asked, limit, timeoutMs, deps);
      return sent.forwarded;
    },
    retriesMax: deps.env.upstreamRetries,
    timeoutMs: deps.env.upstreamTimeoutMs,
    isAbandoned: () => client.aborted,
    onFailure: (failed) => noteFailure(failed, requestId, deps),
    now: deps.now,
    sleep: deps.sleep,
  });
  const { abort, withholdUsage } = sent!;
  return { forwarded, candidate, abort, withholdUsage };
}

/**
 * The limit that a model is sent: never above what is held, whoever asked for more, and whoever
 * answers. A model that nobody limits is left to its own, which is what was held for it.
 */
function outputLimitFor(
  model: string,
  { call: { request, prices }, reservation }: Exchange,
  isLimited: boolean,
): number | null {
  const asked = request.outputTokensLimit;
  const held = reservation?.output_tokens_limit ?? null;
  if (reservation === null || held === null) return asked;
  const price = reservation.candidates.find((candidate) => candidate.model === model)?.price;
  // What the balance pays for can be more than this model has.
  if (isLimited) return Math.min(held, price?.maxOutputTokens ?? held);
  if (asked === null && model === modelName(prices[0])) return null;
  return (asked ?? price?.maxOutputTokens ?? Infinity) > held ? held : asked;
}

function noteFailure(
  { candidate, forwarded, then }: FailedAttempt<Candidate>,
  requestId: string,
  deps: ChatProxyDeps,
): void {
  const model = modelName(candidate.price);
  if (then !== "give_up") {
    const reason = forwarded.kind === "failed" ? forwarded.refusal.message : "provider_rejected";
    logWarning("A provider failed", { request_id: requestId, model, then, reason });
  }
  if (forwarded.kind === "failed" && forwarded.incident !== null) {
    noteProviderIncident(forwarded.incident, model, requestId, deps);
  }
}
