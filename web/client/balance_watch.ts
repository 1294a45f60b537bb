/**
 * One watch of the balance for all who listen. It hears of costs at once, here and in other tabs, and
 * asks for the balance itself whenever something may have changed it.
 *
 * No older answer overwrites a newer balance. Only one request runs at a time, and what it says is
 * thrown away if something was heard meanwhile: then it is asked again. A charge only lowers, so what
 * is heard counts at once only where it is lower than what is known; anything else came late, or
 * after a credit, and the functions are asked.
 */
import { compareDecimals } from "./decimal.ts";
import type { FareboxOptions } from "./farebox.ts";
import { createAttention } from "./attention.ts";
import { createLive } from "./live.ts";
import type { Http, Owner } from "./http.ts";
import { readBalance } from "./read_balance.ts";
import { createTabs, type Heard } from "./tabs.ts";
import type { Balance } from "./types.ts";

export interface BalanceWatch {
  listen(listen: (balance: Balance) => void): () => void;
  /** Asks anew. @throws FareboxError as `balance()` does. */
  refresh(): Promise<void>;
  /** Asks soon, if anybody listens. */
  refreshSoon(): void;
  /** What an answer has left, told at once. `shared`: other tabs hear it too. */
  hear(owner: Owner, heard: Heard): void;
  close(): void;
}

/** After a cost there may be more to know: what is held, or a charge of the same moment. */
const SETTLE_MS = 400;
const POLL_MS = 15_000;

export function createBalanceWatch(http: Http, options: FareboxOptions): BalanceWatch {
  const listeners = new Set<(balance: Balance) => void>();
  const tabs = createTabs(options.url, (owner, heard) => take(owner, heard));
  let known: Balance | null = null;
  /** Undefined until it is known. */
  let owner: Owner | undefined;
  /** Rises with whatever makes an answer that is under way an old one. */
  let epoch = 0;
  let running: Promise<void> | null = null;
  let queued: Promise<void> | null = null;
  let stopWatching: (() => void) | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLive = false;
  let hasFailed = false;

  const attention = createAttention(() => refreshQuietly());

  function tell(balance: Balance): void {
    known = balance;
    for (const listen of [...listeners]) listen(balance);
  }

  function belongTo(next: Owner): void {
    if (owner === next) return;
    owner = next;
    known = null;
    epoch++;
  }

  async function ask(): Promise<void> {
    for (;;) {
      const asked = epoch;
      const answer = await readBalance(http);
      if (answer.owner !== owner) {
        // Somebody signed in or out before this was asked: whose it is counts from now on.
        if (asked !== epoch) continue;
        belongTo(answer.owner);
      } else if (asked !== epoch) continue;
      return tell(answer.balance);
    }
  }

  function start(): Promise<void> {
    running = ask().then(() => {
      hasFailed = false;
    }, (error) => {
      hasFailed = true;
      throw error;
    }).finally(() => {
      running = null;
      schedule(options.pollMs ?? POLL_MS);
    });
    return running;
  }

  /** One request at a time; whoever asks meanwhile gets the next one's answer. */
  function refresh(): Promise<void> {
    if (running === null) return start();
    return queued ??= running.catch(() => {}).then(() => {
      queued = null;
      return start();
    });
  }

  function refreshQuietly(): void {
    // The next poll, or the next look at the page, tries again.
    refresh().catch(() => {});
  }

  /** The one timer. A poll is of no use where nobody looks or Realtime tells. */
  function schedule(ms: number): void {
    clearTimeout(timer);
    const isPoll = ms > SETTLE_MS;
    if (stopWatching === null || !attention.has() || (isPoll && isLive && !hasFailed)) return;
    timer = setTimeout(refreshQuietly, ms);
  }

  function take(heardOwner: Owner, heard: Heard): void {
    if (owner === undefined) belongTo(heardOwner);
    if (heardOwner !== owner) return;
    epoch++;
    const next = lowered(known, heard);
    if (next !== null) tell(next);
    else if (stopWatching !== null) refreshQuietly();
    schedule(SETTLE_MS);
  }

  function watch(): void {
    const { auth } = options.supabase;
    const live = createLive(options, (live) => {
      isLive = live;
      // What happened before it told, it has not told.
      refreshQuietly();
    }, refreshQuietly);
    const { data } = auth.onAuthStateChange((_event, session) => {
      const next = session?.user.id ?? null;
      const hasChanged = next !== owner;
      belongTo(next);
      live.follow(next);
      if (hasChanged) refreshQuietly();
    });
    attention.start();
    tabs.open();
    stopWatching = () => {
      data.subscription.unsubscribe();
      live.stop();
      attention.stop();
      tabs.close();
      clearTimeout(timer);
      stopWatching = null;
      isLive = false;
      // Nobody kept it up to date from here on.
      known = null;
      owner = undefined;
      epoch++;
    };
    refreshQuietly();
  }

  return {
    listen(listen) {
      // Its own function, so that the same one can listen twice.
      const mine = (balance: Balance) => listen(balance);
      listeners.add(mine);
      if (stopWatching === null) watch();
      else if (known !== null) {
        const now = known;
        queueMicrotask(() => listeners.has(mine) && known === now && listen(now));
      }
      return () => {
        listeners.delete(mine);
        if (listeners.size === 0) stopWatching?.();
      };
    },
    refresh,
    refreshSoon() {
      schedule(SETTLE_MS);
    },
    hear(heardOwner, heard) {
      tabs.tell(heardOwner, heard);
      if (stopWatching !== null) take(heardOwner, heard);
    },
    close() {
      listeners.clear();
      stopWatching?.();
    },
  };
}

/** What is known, lowered by what was heard; null where that is no lowering. */
function lowered(known: Balance | null, heard: Heard): Balance | null {
  if ("balance" in heard) {
    if (known?.kind === "guest") return null;
    if (known !== null && compareDecimals(heard.balance, known.balance) >= 0) return null;
    const { balance } = heard;
    return { kind: "user", balance, currency: "USD", available: null, reserved: null };
  }
  if (known?.kind !== "guest" || heard.left >= known.exchanges.left) return null;
  return { kind: "guest", exchanges: { ...known.exchanges, left: heard.left } };
}
