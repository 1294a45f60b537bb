/**
 * Current prices, kept per isolate: a hint for finding a model and for estimates. What is charged is
 * decided by SQL at `reserve`, with the price of that moment; that there is no such model is said only
 * after the ledger was asked again.
 */
import { isRefusal } from "../edge/refusal.ts";
import { createPriceBook, type PriceBook } from "../pricing/price_book.ts";
import { type Catalogue, type Ledger, LedgerUnavailable } from "./ledger.ts";
import { createRefreshed } from "./refreshed.ts";

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
const TOO_OLD_MS = 15 * 60_000;
/** Names that no model has may come as often as anybody likes. */
const NEWER_EACH_MS = 5_000;
const RETRY_MS = 10_000;

/** Builds the cache. Make one per isolate. */
export function createPriceCache(options: PriceCacheOptions): PriceCache {
  const { ledger, now, waitUntil, onRefreshError } = options;
  return createRefreshed({
    ask: async () => toHint(await ledger.pricingCatalogue()),
    freshMs: FRESH_MS,
    tooOldMs: TOO_OLD_MS,
    retryMs: RETRY_MS,
    newerEachMs: NEWER_EACH_MS,
    now,
    waitUntil,
    onRefreshError,
  });
}

function toHint(catalogue: Awaited<ReturnType<Ledger["pricingCatalogue"]>>): PriceHint {
  if (isRefusal(catalogue)) throw new LedgerUnavailable("pricing_catalogue", catalogue.code);
  const { prices, markupBasisPoints }: Catalogue = catalogue;
  return { book: createPriceBook(prices), markupBasisPoints };
}
