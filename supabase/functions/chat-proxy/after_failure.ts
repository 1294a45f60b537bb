/** What may help after a provider has failed, by what it says itself. */
import { isPresent } from "../../../shared/llm/dialects/request_checks.ts";
import { arrayOf, objectOf, parseJson, textOf } from "../../../shared/llm/json_reading.ts";

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
export const FALL_BACK: Next = { kind: "fall_back" };

/**
 * Trouble with the account that pays, which some providers tell with a 400 as if the request were at
 * fault: Google and xAI a key, Anthropic an empty balance, a limit that was set there, a closed account.
 */
const ACCOUNT_TROUBLE = new RegExp(
  "^(?:" + [
    "API [Kk]ey (?:not valid|not found|expired)[.,]",
    "Incorrect API key provided[.:]",
    "Your credit balance is too low",
    "You have reached your specified (?:\\w+ )?API usage limits",
    "This organization has been disabled",
  ].join("|") + ")",
);

/** Whether an error answer is about our account at the provider, and not about the request. */
export function isAboutOurAccount(status: number, body: string): boolean {
  if (status === 401 || status === 402) return true;
  if (status !== 400 && status !== 403 && status !== 429) return false;
  const json = parseJson(body);
  const parsed = objectOf(json) ?? objectOf(arrayOf(json)[0]); // Google's streams tell it in a list.
  const error = objectOf(parsed?.error);
  if (status === 429) return [error?.code, error?.type].includes("insufficient_quota");
  // A prompt that OpenRouter's moderation has flagged is its sender's.
  if (status === 403) return !isPresent(objectOf(error?.metadata)?.reasons);
  // Only the error's own words, from their beginning: further on they may repeat the caller's.
  const message = textOf(error?.message) ?? textOf(parsed?.error) ?? textOf(parsed?.message);
  return message !== null && ACCOUNT_TROUBLE.test(message);
}

/** What to do about an error answer that is not about our account, by its status and headers. */
export function nextAfter({ status, headers }: Response): Next {
  if (WORTH_A_RETRY.has(status) || status >= 500) {
    // OpenAI and Anthropic know when it is of no use.
    if (headers.get("x-should-retry") === "false") return FALL_BACK;
    return { kind: "retry", afterMs: retryAfterMs(headers) };
  }
  // The provider does not know the model, and may know another.
  return status === 404 ? FALL_BACK : { kind: "stop" };
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
