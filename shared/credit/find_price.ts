import { isRefusal, type Refusal } from "../edge/refusal.ts";
import type { Price } from "../pricing/price.ts";
import type { PriceBook } from "../pricing/price_book.ts";
import type { PriceCache, PriceHint } from "./price_cache.ts";

/** What `look` finds in the prices. Where it misses a model, it looks once more in newer ones. */
export async function lookUp<T extends object>(
  prices: PriceCache,
  look: (hint: PriceHint) => T | Promise<T>,
): Promise<T> {
  const hint = await prices.read();
  const found = await look(hint);
  if (!isRefusal(found) || found.code !== "MODEL_NOT_FOUND") return found;
  const newer = await prices.readNewer(hint);
  return newer === hint ? found : await look(newer);
}

/**
 * The price of the model that a client named. Refuses with MODEL_NOT_FOUND, or INVALID_REQUEST where
 * several providers offer it; the message has the names it may have meant.
 */
export function findPrice(book: PriceBook, name: string): Price | Refusal {
  const found = book.find(name);
  const shown = name.slice(0, 200);
  switch (found.kind) {
    case "found":
      return found.price;
    case "ambiguous":
      return {
        code: "INVALID_REQUEST",
        message: `Several providers offer "${shown}". Use one of ${found.candidates.join(", ")}.`,
        param: "model",
      };
    case "unknown":
      return {
        code: "MODEL_NOT_FOUND",
        message: `There is no model "${shown}". ` +
          (found.nearest.length > 0
            ? `Did you mean ${found.nearest.join(" or ")}?`
            : "GET /v1/models lists what there is."),
        model: shown,
      };
  }
}
