/** What may help after a provider has failed, by what it says itself. */

/** What may help after a failure. */
export type Next =
  /** Nothing: the request itself is at fault. */
  | { kind: "stop" }
  /** Another model, perhaps at another provider. */
  | { kind: "fall_back" }
  /** The same again, after as long as the provider asked for, where it did. */
  | { kind: "retry"; afterMs: number | null };

/** Another try of the same may help: a lost race, a limit, a failure of the provider's. */
const WORTH_A_RETRY = new Set([408, 409, 429]);
/** Another model may help: this one, or our account for it, is the trouble. */
const WORTH_ANOTHER_MODEL = new Set([401, 402, 403, 404]);
export const FALL_BACK: Next = { kind: "fall_back" };

/** What to do about an error answer, by its status and headers. */
export function nextAfter({ status, headers }: Response): Next {
  if (WORTH_A_RETRY.has(status) || status >= 500) {
    // OpenAI and Anthropic know when it is of no use.
    if (headers.get("x-should-retry") === "false") return FALL_BACK;
    return { kind: "retry", afterMs: retryAfterMs(headers) };
  }
  return WORTH_ANOTHER_MODEL.has(status) ? FALL_BACK : { kind: "stop" };
}

/** How long the provider asks to be left alone; `null` where it does not say. */
export function retryAfterMs(headers: Headers): number | null {
  const exact = headers.get("retry-after-ms") ?? ""; // OpenAI and Azure
  if (/^\d{1,9}(\.\d+)?$/.test(exact)) return Math.ceil(Number(exact));
  const value = headers.get("retry-after") ?? "";
  const ms = /^\d{1,6}(\.\d+)?$/.test(value)
    ? Math.ceil(Number(value) * 1000)
    : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
