/** What early starts may cost the house, as far as one isolate can hold to the day's bound. */
import type { EarlyStartSettings } from "../../../shared/credit/settings_cache.ts";
import type { Usd } from "../../../shared/pricing/money.ts";

/** The most that one request under way may still cost the house. */
export interface HeldLoss {
  /** Nothing is lost. */
  free(): void;
  /**
   * So much is lost. It counts here until the ledger's own word can have it.
   *
   * @returns to be called when it has been recorded.
   */
  lose(amount: Usd): () => void;
}

export interface EarlyLosses {
  /** Room for a loss of at most `amount`; undefined where too little of the bound is left. */
  hold(amount: Usd, settings: EarlyStartSettings): HeldLoss | undefined;
}

/** The bound is a day's: what could not be recorded counts no longer either. */
const DAY_MS = 24 * 3600_000;

/** Builds the account of losses. Make one per isolate. */
export function createEarlyLosses(now: () => number): EarlyLosses {
  let underWay: Usd = 0n;
  /** Those that the ledger's word may not have yet. */
  let own: { amount: Usd; lostAtMs: number; recordedAtMs: number }[] = [];

  return {
    hold(amount, { lossLeft, askedAtMs }) {
      own = own.filter(({ lostAtMs, recordedAtMs }) =>
        recordedAtMs >= askedAtMs && now() - lostAtMs < DAY_MS
      );
      const lost = own.reduce((sum, loss) => sum + loss.amount, 0n);
      if (lossLeft - lost - underWay < amount) return undefined;
      underWay += amount;
      let isHeld = true;
      const free = () => {
        if (isHeld) underWay -= amount;
        isHeld = false;
      };
      return {
        free,
        lose(lostAmount) {
          free();
          const loss = { amount: lostAmount, lostAtMs: now(), recordedAtMs: Infinity };
          own.push(loss);
          return () => void (loss.recordedAtMs = now());
        },
      };
    },
  };
}
