/**
 * The idempotency keys of what was asked. Whose answer is lost on the way, and who asks the same
 * again, pays once: as long as nobody has said what became of a request, it keeps its key.
 */
import type { ChatRequest } from "../../client/types.ts";

interface Attempt {
  readonly key: string;
  /** A part of the request: it is sent with it. */
  readonly chatId: string;
}

/** Bodies are long. */
const ATTEMPTS_MAX = 8;

/** By the request's body. */
const attempts = new Map<string, Attempt>();

/** The key for a request: the one that it had, or a new one. */
export function keyOf(chatId: string, request: ChatRequest): string {
  const body = JSON.stringify(request);
  const known = attempts.get(body);
  if (known?.chatId === chatId) return known.key;
  const key = crypto.randomUUID();
  attempts.set(body, { key, chatId });
  for (const oldest of [...attempts.keys()].slice(0, -ATTEMPTS_MAX)) attempts.delete(oldest);
  return key;
}

/** What became of this request is known: the same again is another one. */
export function forgetKey(request: ChatRequest): void {
  attempts.delete(JSON.stringify(request));
}

/** The chat in which a request was made of which nothing is known yet; null: there is none. */
export function chatOfAttempt(request: ChatRequest): string | null {
  return attempts.get(JSON.stringify(request))?.chatId ?? null;
}
