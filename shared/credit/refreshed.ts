/**
 * A value of the ledger, kept per isolate and refreshed behind the requests that read it.
 */

export interface Refreshed<T> {
  /**
   * The value, at most a refresh old. A call waits for the ledger only where there is none yet, or
   * where it is so old that an isolate must have idled.
   *
   * Rejects as `ask` does when nothing was ever read.
   */
  read(): Promise<T>;
  /**
   * A newer value than this one; the same where it was asked just now, or the ledger does not answer.
   */
  readNewer(than: T): Promise<T>;
}

export type RefreshedOptions<T> = {
  ask: () => Promise<T>;
  /** A younger value is served as it is. */
  freshMs: number;
  /** An older one is not served while it is refreshed: a request a day would see yesterday's. */
  tooOldMs: number;
  /** After a failed refresh, so that an outage is not made worse by every request asking again. */
  retryMs: number;
  /** Between two questions for a newer value than the one at hand. */
  newerEachMs: number;
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined;
  /** Keeps the isolate for a refresh that nobody waits for. */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /** Told about a refresh that failed while a stale value is still served. */
  onRefreshError?: ((error: unknown) => void) | undefined;
};

/** Builds the cache of one value. Make one per isolate. */
export function createRefreshed<T>(options: RefreshedOptions<T>): Refreshed<T> {
  const now = options.now ?? Date.now;
  let value: { is: T } | undefined;
  let readAtMs = 0;
  let refreshAtMs = 0;
  let newerAtMs = 0;
  /** Set while a question is under way; everyone who needs it awaits this one. */
  let underWay: Promise<T> | undefined;

  function refresh(): Promise<T> {
    underWay ??= options.ask().then(
      (fresh) => {
        readAtMs = now();
        refreshAtMs = readAtMs + options.freshMs;
        value = { is: fresh };
        return fresh;
      },
    ).finally(() => underWay = undefined);
    return underWay;
  }

  /** Refreshes; on an outage the old value is still there. */
  function tryRefresh(): Promise<unknown> {
    if (underWay === undefined) refreshAtMs = now() + options.retryMs;
    return refresh().catch((error) => options.onRefreshError?.(error));
  }

  return {
    async read() {
      if (value === undefined) return await refresh();
      const isDue = now() >= refreshAtMs;
      if (now() >= readAtMs + options.tooOldMs) {
        if (isDue || underWay !== undefined) await tryRefresh();
      } else if (isDue && underWay === undefined) {
        const refreshing = tryRefresh();
        options.waitUntil?.(refreshing);
      }
      return value.is;
    },

    async readNewer(than) {
      if (value?.is === than && (underWay !== undefined || now() >= newerAtMs)) {
        newerAtMs = now() + options.newerEachMs;
        await tryRefresh();
      }
      return value === undefined ? than : value.is;
    },
  };
}
