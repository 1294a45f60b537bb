/**
 * Current prices, kept per isolate: a hint for finding a model and for estimates. What is charged is
 * decided by SQL at `reserve`, with the price of that moment; that there is no such model is said only
 * after the ledger was asked again.
 */
import { isRefusal } from "../edge/refusal.ts";
import { createPriceBook, type PriceBook } from "../pricing/price_book.ts";
import { type Catalogue, type Ledger, LedgerUnavailable } from "./ledger.ts";

/** A price book as it was when it was last read, and the markup on top of its prices. */
export type PriceHint = { book: PriceBook; markupBasisPoints: number };

export interface PriceCache {
  /**
   * The prices, at most a refresh old. A call waits for the ledger only where there are none yet, or
   * where they are so old that an isolate must have idled.
   *
   * @throws {LedgerUnavailable} when nothing was ever read and the ledger does not answer.
   */
  read(): Promise<PriceHint>;
  /**
   * Newer prices than these, for a model that is not in them; the same ones where it was asked just
   * now, or the ledger does not answer.
   */
  readNewer(than: PriceHint): Promise<PriceHint>;
}

export type PriceCacheOptions = {
  ledger: Pick<Ledger, "pricingCatalogue">;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Keeps the isolate for a refresh that nobody waits for. */
  waitUntil?: (promise: Promise<unknown>) => void;
  /** Told about a refresh that failed while stale prices are still served. */
  onRefreshError?: (error: unknown) => void;
};

const FRESH_MS = 5 * 60_000;
/** Older ones are not served while they are refreshed: a request a day would see yesterday's. */
const TOO_OLD_MS = 15 * 60_000;
/** Names that no model has may come as often as anybody likes. */
const NEWER_EACH_MS = 5_000;
/** After a failed refresh, so that an outage is not made worse by every request asking again. */
const RETRY_MS = 10_000;

/** Builds the cache. Make one per isolate. */
export function createPriceCache(options: PriceCacheOptions): PriceCache {
  const now = options.now ?? Date.now;
  let hint: PriceHint | undefined;
  let readAtMs = 0;
  let refreshAtMs = 0;
  let newerAtMs = 0;
  /** Set while a question is under way; everyone who needs it awaits this one. */
  let underWay: Promise<PriceHint> | undefined;

  function refresh(): Promise<PriceHint> {
    underWay ??= options.ledger.pricingCatalogue().then(toHint).then(
      (fresh) => {
        readAtMs = now();
        refreshAtMs = readAtMs + FRESH_MS;
        return hint = fresh;
      },
    ).finally(() => underWay = undefined);
    return underWay;
  }

  /** Refreshes; on an outage the old prices are still there. */
  function tryRefresh(): Promise<unknown> {
    if (underWay === undefined) refreshAtMs = now() + RETRY_MS;
    return refresh().catch((error) => options.onRefreshError?.(error));
  }

  return {
    async read() {
      if (hint === undefined) return await refresh();
      const isDue = now() >= refreshAtMs;
      if (now() >= readAtMs + TOO_OLD_MS) {
        if (isDue || underWay !== undefined) await tryRefresh();
      } else if (isDue && underWay === undefined) {
        options.waitUntil?.(tryRefresh());
      }
      return hint;
    },

    async readNewer(than) {
      if (hint === than && (underWay !== undefined || now() >= newerAtMs)) {
        newerAtMs = now() + NEWER_EACH_MS;
        await tryRefresh();
      }
      return hint ?? than;
    },
  };
}

function toHint(catalogue: Awaited<ReturnType<Ledger["pricingCatalogue"]>>): PriceHint {
  if (isRefusal(catalogue)) throw new LedgerUnavailable("pricing_catalogue", catalogue.code);
  const { prices, markupBasisPoints }: Catalogue = catalogue;
  return { book: createPriceBook(prices), markupBasisPoints };
}
