/**
 * Retries and fallback, both before the first byte of an answer: afterwards the reader has seen a part
 * of one model's words, and nobody may go on in another's.
 */
import type { Next } from "./after_failure.ts";
import type { Forwarded } from "./forward.ts";

/** One failure on the way, for the log and for incidents. */
export type FailedAttempt<Candidate> = {
  candidate: Candidate;
  forwarded: Exclude<Forwarded, { kind: "answer" }>;
  /** What is done about it. */
  then: "retry" | "fall_back" | "give_up";
};

export type AttemptOptions<Candidate> = {
  /** Sends one request; `timeoutMs` is what is left. */
  send: (candidate: Candidate, timeoutMs: number) => Promise<Forwarded>;
  /** How often one candidate is asked again. */
  retriesMax: number;
  /** For all attempts together. */
  timeoutMs: number;
  /** True when the client has left, so that nobody would read the answer. */
  isAbandoned: () => boolean;
  onFailure: (attempt: FailedAttempt<Candidate>) => void;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
};

/** A provider that asks for more is not waited for: the client can wait as well, and knows of it. */
const WAIT_MS_MAX = 10_000;
/** Where another model could answer at once, it is not worth waiting longer for this one. */
const WAIT_MS_MAX_WITH_ALTERNATIVE = 1_000;
const BACKOFF_MS = 500;

/**
 * Asks the candidates in order, each again where that may help, until one answers or nothing is left
 * to try.
 *
 * @returns the answer and who gave it, or the last failure.
 */
export async function forwardToFirst<Candidate>(
  candidates: readonly [Candidate, ...Candidate[]],
  options: AttemptOptions<Candidate>,
): Promise<{ forwarded: Forwarded; candidate: Candidate }> {
  const startedMs = options.now();
  const leftMs = () => options.timeoutMs - (options.now() - startedMs);
  for (let index = 0, retries = 0;;) {
    const candidate = candidates[index]!;
    const forwarded = await options.send(candidate, Math.max(1, leftMs()));
    if (forwarded.kind === "answer") return { forwarded, candidate };

    const hasAlternative = index + 1 < candidates.length;
    const waitMsMax = hasAlternative ? WAIT_MS_MAX_WITH_ALTERNATIVE : WAIT_MS_MAX;
    const waitMs = retries < options.retriesMax
      ? waitBefore(forwarded.next, retries, waitMsMax)
      : null;
    const isOver = options.isAbandoned() || leftMs() <= 0;
    if (waitMs !== null && waitMs <= leftMs() && !isOver) {
      options.onFailure({ candidate, forwarded, then: "retry" });
      retries++;
      await options.sleep(waitMs);
      // Nobody would read it, and the house or the reader would pay for it.
      if (options.isAbandoned()) return { forwarded, candidate };
    } else if (hasAlternative && forwarded.next.kind !== "stop" && !isOver) {
      options.onFailure({ candidate, forwarded, then: "fall_back" });
      index++;
      retries = 0;
    } else {
      options.onFailure({ candidate, forwarded, then: "give_up" });
      return { forwarded, candidate };
    }
  }
}

/**
 * As long as the provider asks for, within `askedMsMax`; else longer each time, and never two clients
 * in step. `null` where it is not to be asked again.
 */
function waitBefore(next: Next, retries: number, askedMsMax: number): number | null {
  if (next.kind !== "retry") return null;
  if (next.afterMs !== null) return next.afterMs <= askedMsMax ? next.afterMs : null;
  return BACKOFF_MS * 2 ** retries * (0.75 + Math.random() / 2);
}
