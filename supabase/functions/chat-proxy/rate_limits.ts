/** The provider's word on its limits, passed on, and ours: SDKs and their users pace themselves by it. */
import type { Reservation } from "../../../shared/credit/results.ts";
import { requestsLimitHeaders } from "../../../shared/edge/requests_limit.ts";

const RATE_LIMIT = /^(x-ratelimit-|anthropic-ratelimit-|retry-after(-ms)?$)/;
/** What such a header may hold: numbers, durations, dates. Nothing of an account's name. */
const VALUE = /^[\w .,:;=+-]{1,100}$/;

/**
 * Puts our own limit of requests, where there is one, in place of the provider's, which is about all
 * of its key's users together.
 */
export function tellRequestsLimit(headers: Headers, reservation: Reservation | null): void {
  const ours = requestsLimitHeaders(reservation?.requests_limit);
  for (const [name, value] of Object.entries(ours)) headers.set(name, value);
}

/** Those of a provider's headers that tell of limits. */
export function rateLimitHeaders(from: Headers): Headers {
  const headers = new Headers();
  for (const [name, value] of from) {
    if (RATE_LIMIT.test(name) && VALUE.test(value)) headers.set(name, value);
  }
  return headers;
}
