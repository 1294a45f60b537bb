/** One request to one candidate, in its provider's own form. */
import type { Dialect } from "../../../shared/llm/dialect.ts";
import type { ChatProxyDeps } from "./deps.ts";
import { forward, type Forwarded } from "./forward.ts";
import type { ChatCall } from "./read_request.ts";
import type { Candidate } from "./route.ts";

/** A request on its way. */
export type Sent = {
  forwarded: Promise<Forwarded>;
  /** Ends it. */
  abort: AbortController;
  /** Usage was switched on there for us alone. */
  withholdUsage: boolean;
};

export type Sending = { dialect: Dialect; call: ChatCall; requestId: string };

/**
 * Sends.
 *
 * @param outputTokensLimit the limit to send; null for none.
 * @param timeoutMs how long the provider's headers may take.
 */
export function sendUpstream(
  { dialect, call, requestId }: Sending,
  { price, route }: Candidate,
  outputTokensLimit: number | null,
  timeoutMs: number,
  deps: Pick<ChatProxyDeps, "fetch">,
): Sent {
  const abort = new AbortController();
  const upstream = dialect.rewriteRequest(call.request, {
    model: price.modelId,
    outputTokensLimit,
    usageSwitch: route.endpoint.usageSwitch,
    outputLimitFields: route.endpoint.outputLimitFields,
  });
  const forwarded = forward({
    ...route,
    upstream,
    clientHeaders: call.clientHeaders,
    stream: call.request.stream,
    requestId,
    timeoutMs,
    fetch: deps.fetch,
    abort,
  });
  return { forwarded, abort, withholdUsage: upstream.withholdUsage };
}
