/** How fast the demo provider speaks. */

/** Milliseconds before the first token (at least, at most) and for each token. */
export interface Timing {
  readonly firstTokenMsMin: number;
  readonly firstTokenMsMax: number;
  readonly tokenMs: number;
}

/** About the pace of a real model. */
export const REALISTIC: Timing = { firstTokenMsMin: 150, firstTokenMsMax: 400, tokenMs: 20 };
/** For tests. */
export const AT_ONCE: Timing = { firstTokenMsMin: 0, firstTokenMsMax: 0, tokenMs: 0 };

/** Waits so long. @returns false when the client left meanwhile. */
export async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0 && !signal.aborted) {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    await over.promise;
    clearTimeout(timer);
  }
  return !signal.aborted;
}
