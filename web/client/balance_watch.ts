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
  /** What an answer has left, told at once, here and in other tabs. */
  hear(owner: Owner, heard: Heard): void;
  close(): void;
}

/** After a cost there may be more to know: what is held, or a charge of the same moment. */
const SETTLE_MS = 400;
const POLL_MS = 15_000;
/** One answer is told by its comment and by Realtime: both are one reason to ask. */
const GATHER_MS = 50;

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
  let soon: ReturnType<typeof setTimeout> | undefined;
  let poll: ReturnType<typeof setTimeout> | undefined;
  let isLive = false;
  let hasFailed = false;

  const attention = createAttention(refreshQuietly);

  function tell(balance: Balance): void {
    if (stopWatching === null) return;
    known = balance;
    for (const listen of [...listeners]) listen(balance);
  }

  function belongTo(next: Owner): void {
    if (owner === next) return;
    owner = next;
    known = null;
  }

  async function ask(): Promise<void> {
    let strangers: Owner | undefined;
    for (;;) {
      const asked = epoch;
      const answer = await readBalance(http);
      if (stopWatching === null) return;
      if (asked !== epoch) continue;
      if (owner !== undefined && answer.owner !== owner && answer.owner !== strangers) {
        // Somebody signs in or out just now, and Auth has yet to say so: who it is, is asked again.
        strangers = answer.owner;
        continue;
      }
      belongTo(answer.owner);
      return tell(answer.balance);
    }
  }

  function start(): Promise<void> {
    clearTimeout(soon);
    clearTimeout(poll);
    // Begins a moment later: `running` is to be set before anything can look at it.
    running = Promise.resolve().then(ask).then(
      () => {
        hasFailed = false;
      },
      (error) => {
        hasFailed = true;
        throw error;
      },
    ).finally(() => {
      running = null;
      pollLater();
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

  /** Where nobody looks nothing is asked: coming back to the page asks. */
  function askIn(ms: number): void {
    clearTimeout(soon);
    if (stopWatching !== null && attention.has()) soon = setTimeout(refreshQuietly, ms);
  }

  function pollLater(): void {
    clearTimeout(poll);
    if (stopWatching === null || !attention.has() || (isLive && !hasFailed)) return;
    poll = setTimeout(refreshQuietly, options.pollMs ?? POLL_MS);
  }

  function take(heardOwner: Owner, heard: Heard): void {
    if (owner === undefined) belongTo(heardOwner);
    if (heardOwner !== owner) return;
    epoch++;
    const change = changeOf(known, heard);
    if (change.lowered !== undefined) tell(change.lowered);
    askIn(change.isDoubtful ? 0 : SETTLE_MS);
  }

  function watch(): void {
    const live = createLive(options, (live) => {
      isLive = live;
      // What happened before it told, it has not told.
      refreshQuietly();
    }, () => askIn(GATHER_MS));
    stopWatching = () => {
      stopWatching = null;
      data.subscription.unsubscribe();
      live.stop();
      attention.stop();
      tabs.close();
      clearTimeout(soon);
      clearTimeout(poll);
      isLive = false;
      // Nobody keeps it up to date from here on.
      known = null;
      owner = undefined;
      epoch++;
    };
    // Before Auth says who it is, so that it finds the question already asked.
    refreshQuietly();
    const { data } = options.supabase.auth.onAuthStateChange((_event, session) => {
      const next = session?.user.id ?? null;
      live.follow(next);
      if (next === owner) return;
      // The first word on who it is comes while the first request runs, which is theirs too.
      const isFirst = owner === undefined && running !== null;
      belongTo(next);
      if (isFirst) return;
      epoch++;
      refreshQuietly();
    });
    attention.start();
    tabs.open();
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
      askIn(SETTLE_MS);
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

interface Change {
  /** To be told; absent where what was heard is no news. */
  readonly lowered?: Balance;
  /** What was heard came late, or there was a credit: only the functions can tell. */
  readonly isDoubtful: boolean;
}

function changeOf(known: Balance | null, heard: Heard): Change {
  if ("balance" in heard && known?.kind !== "guest") {
    const order = known === null ? -1 : compareDecimals(heard.balance, known.balance);
    if (order >= 0) return { isDoubtful: order > 0 };
    const { balance } = heard;
    const rest = { currency: "USD", available: null, reserved: null };
    return { lowered: { kind: "user", balance, ...rest }, isDoubtful: false };
  }
  if ("left" in heard && known?.kind === "guest" && heard.left <= known.exchanges.left) {
    const exchanges = { ...known.exchanges, left: heard.left };
    return { lowered: { kind: "guest", exchanges }, isDoubtful: false };
  }
  return { isDoubtful: true };
}
