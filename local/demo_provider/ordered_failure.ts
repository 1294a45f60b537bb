/** The failures that scripts order, and how many of each are left. */
import type { Ask } from "./ask.ts";

const KEYS_MAX = 1_000;

export class OrderedFailures {
  /** How often each key has failed, in the order of their first failure. */
  readonly #failed = new Map<string, number>();

  /** The status to fail with; null when the request is to be answered. */
  take({ script, question, model }: Ask): number | null {
    const { fail, fail_times: times, fail_model: only } = script;
    if (fail === undefined) return null;
    if (only !== undefined && only !== model.id) return null;
    if (times === undefined) return fail;
    const key = script.key ?? question;
    const before = this.#failed.get(key) ?? 0;
    if (before >= times) return null;
    this.#failed.set(key, before + 1);
    for (const oldest of this.#failed.keys()) {
      if (this.#failed.size <= KEYS_MAX) break;
      this.#failed.delete(oldest);
    }
    return fail;
  }
}

/** The headers of an ordered failure: the provider's own, with the `retry-after` that was ordered. */
export function failureHeaders(
  own: Readonly<Record<string, string>> | undefined,
  retryAfter: string | number | undefined,
): Record<string, string> {
  if (retryAfter === undefined) return { ...own };
  const headers: Record<string, string> = { ...own, "retry-after": String(retryAfter) };
  delete headers["retry-after-ms"];
  return headers;
}
