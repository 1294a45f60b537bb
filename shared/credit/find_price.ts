import type { Refusal } from "../edge/refusal.ts";
import type { Price } from "../pricing/price.ts";
import type { PriceBook } from "../pricing/price_book.ts";

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
