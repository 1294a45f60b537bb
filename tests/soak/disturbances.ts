/** When something was broken on purpose: what is late then is no fault of its own. */
export interface Disturbances {
  /** One begins. @returns to be called when all is as it was. */
  begin(): () => void;
  /** Whether one was under way at any moment of that time. */
  overlap(fromMs: number, toMs: number): boolean;
}

export function noteDisturbances(now: () => number = Date.now): Disturbances {
  const spans: { fromMs: number; toMs: number }[] = [];
  return {
    begin() {
      const span = { fromMs: now(), toMs: Infinity };
      spans.push(span);
      return () => void (span.toMs = now());
    },
    overlap: (from, to) => spans.some(({ fromMs, toMs }) => fromMs < to && toMs > from),
  };
}
