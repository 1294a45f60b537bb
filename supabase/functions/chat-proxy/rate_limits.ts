/** The provider's word on its limits, passed on: SDKs and their users pace themselves by it. */

const RATE_LIMIT = /^(x-ratelimit-|anthropic-ratelimit-|retry-after(-ms)?$)/;
/** What such a header may hold: numbers, durations, dates. Nothing of an account's name. */
const VALUE = /^[\w .,:;=+-]{1,100}$/;

/** Those of a provider's headers that tell of limits. */
export function rateLimitHeaders(from: Headers): Headers {
  const headers = new Headers();
  for (const [name, value] of from) {
    if (RATE_LIMIT.test(name) && VALUE.test(value)) headers.set(name, value);
  }
  return headers;
}
