import { modelName, type Price } from "./price.ts";

/** What a model's name turned out to mean. */
export type PriceLookup =
  | { readonly kind: "found"; readonly price: Price }
  /** Nothing by that name; `nearest` has up to three names that look alike, for the message. */
  | { readonly kind: "unknown"; readonly nearest: readonly string[] }
  /** A bare name that several providers offer; the caller must pick one of `candidates`. */
  | { readonly kind: "ambiguous"; readonly candidates: readonly string[] };

/** A catalogue to look prices up in. Immutable: a refreshed catalogue is a new book. */
export interface PriceBook {
  /** All prices, by provider and then by model. */
  readonly prices: readonly Price[];
  /**
   * Finds a model by `provider:model`, else `provider/model`, else a bare model that one provider
   * offers. Names are case-sensitive and exact. In this order, so that `openai/gpt-4o` means OpenAI
   * even where a gateway lists a model of that very name; `gateway:openai/gpt-4o` names the other.
   */
  find(name: string): PriceLookup;
  /** The price of a provider's model, or `null`. */
  get(providerId: string, modelId: string): Price | null;
}

/** Longer names are not compared: no model is called that, and comparing is quadratic. */
const COMPARED_LENGTH_MAX = 100;
const NEAREST_MAX = 3;

/** Builds the book. Of two prices for one model the higher version counts. */
export function createPriceBook(prices: readonly Price[]): PriceBook {
  const byName = new Map<string, Price>();
  for (const price of prices) {
    const known = byName.get(modelName(price));
    if (known === undefined || (known.version ?? 0) < (price.version ?? 0)) {
      byName.set(modelName(price), price);
    }
  }
  const sorted = [...byName.values()].sort((a, b) => compare(modelName(a), modelName(b)));
  const byModel = Map.groupBy(sorted, (price) => price.modelId);

  const get = (providerId: string, modelId: string) =>
    byName.get(`${providerId}:${modelId}`) ?? null;

  const find = (name: string): PriceLookup => {
    const slash = name.indexOf("/");
    const named = byName.get(name) ??
      (slash > 0 ? get(name.slice(0, slash), name.slice(slash + 1)) : null);
    if (named !== null) return { kind: "found", price: named };
    const bare = byModel.get(name) ?? [];
    const [only] = bare;
    if (only === undefined) return { kind: "unknown", nearest: nearestNames(name, sorted) };
    if (bare.length === 1) return { kind: "found", price: only };
    return { kind: "ambiguous", candidates: bare.map(modelName) };
  };

  return { prices: sorted, find, get };
}

/** Up to three names whose spelling is close to `name`, closest first. */
function nearestNames(name: string, prices: readonly Price[]): string[] {
  if (name.length > COMPARED_LENGTH_MAX) return [];
  const wanted = name.toLowerCase();
  // Two slips, or one in three letters of a long name: what a person would still recognise.
  const distanceMax = Math.max(2, Math.floor(wanted.length / 3));
  return prices
    .map((price) => ({
      name: modelName(price),
      distance: Math.min(
        editDistance(wanted, modelName(price).toLowerCase()),
        editDistance(wanted, price.modelId.toLowerCase()),
      ),
    }))
    .filter((candidate) => candidate.distance <= distanceMax)
    .sort((a, b) => a.distance - b.distance || compare(a.name, b.name))
    .slice(0, NEAREST_MAX)
    .map((candidate) => candidate.name);
}

/** Levenshtein distance, in one row of memory. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = i - 1;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0;
      const left = row[j - 1] ?? 0;
      row[j] = Math.min(above + 1, left + 1, diagonal + (a[i - 1] === b[j - 1] ? 0 : 1));
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}

/** By code unit: the same everywhere, whatever the locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
