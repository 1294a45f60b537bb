/**
 * Current prices, kept per isolate: a hint for finding a model and for estimates. What is charged is
 * decided by SQL at `reserve`, with the price of that moment.
 */
import { isRefusal } from "../edge/refusal.ts";
import { createPriceBook, type PriceBook } from "../pricing/price_book.ts";
import { type Catalogue, type Ledger, LedgerUnavailable } from "./ledger.ts";

/** A price book as it was when it was last read, and the markup on top of its prices. */
export type PriceHint = { book: PriceBook; markupBasisPoints: number };

export interface PriceCache {
  /**
   * The prices, at most a refresh old. Only the very first call waits for the ledger.
   *
   * @throws {LedgerUnavailable} when nothing was ever read and the ledger does not answer.
   */
  read(): Promise<PriceHint>;
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
/** After a failed refresh, so that an outage is not made worse by every request asking again. */
const RETRY_MS = 10_000;

/** Builds the cache. Make one per isolate. */
export function createPriceCache(options: PriceCacheOptions): PriceCache {
  const now = options.now ?? Date.now;
  let hint: PriceHint | undefined;
  let refreshAtMs = 0;
  /** Set while a question is under way; everyone who needs it awaits this one. */
  let underWay: Promise<PriceHint> | undefined;

  function refresh(): Promise<PriceHint> {
    underWay ??= options.ledger.pricingCatalogue().then(toHint).then(
      (fresh) => {
        refreshAtMs = now() + FRESH_MS;
        return hint = fresh;
      },
    ).finally(() => underWay = undefined);
    return underWay;
  }

  return {
    async read() {
      if (hint === undefined) return await refresh();
      if (now() >= refreshAtMs && underWay === undefined) {
        refreshAtMs = now() + RETRY_MS;
        const refreshed = refresh().catch((error) => options.onRefreshError?.(error));
        options.waitUntil?.(refreshed);
      }
      return hint;
    },
  };
}

function toHint(catalogue: Awaited<ReturnType<Ledger["pricingCatalogue"]>>): PriceHint {
  if (isRefusal(catalogue)) throw new LedgerUnavailable("pricing_catalogue", catalogue.code);
  const { prices, markupBasisPoints }: Catalogue = catalogue;
  return { book: createPriceBook(prices), markupBasisPoints };
}
