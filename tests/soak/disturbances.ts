/** When something was broken on purpose: what is late then is no fault of its own. */
export interface Disturbances {
  /** One begins. @returns to be called when all is as it was. */
  begin(): () => void;
  /** Whether one was under way at any moment of that time. */
  overlap(fromMs: number, toMs: number): boolean;
  /** The latest moment up to `atMs` before which nothing was broken for so long. */
  quietUntil(atMs: number, forMs: number): number;
}

export function noteDisturbances(now: () => number = Date.now): Disturbances {
  const spans: { fromMs: number; toMs: number }[] = [];
  const between = (from: number, to: number) =>
    spans.find(({ fromMs, toMs }) => fromMs < to && toMs > from);
  return {
    begin() {
      const span = { fromMs: now(), toMs: Infinity };
      spans.push(span);
      return () => void (span.toMs = now());
    },
    overlap: (from, to) => between(from, to) !== undefined,
    quietUntil(atMs, forMs) {
      for (;;) {
        const broken = between(atMs - forMs, atMs);
        if (broken === undefined) return atMs;
        atMs = broken.fromMs;
      }
    },
  };
}
