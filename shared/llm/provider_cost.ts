import type { JsonObject } from "./dialect.ts";
import { objectOf } from "./json_reading.ts";

/** xAI counts the dollar in ticks (https://docs.x.ai, cost tracking). */
const TICKS_PER_USD = 1e10;
/** No answer costs more; a larger number is a fault. */
const USD_MAX = 10_000;

/**
 * What the provider itself says that an answer costs, as a decimal string in USD with at most 10
 * decimals; `null` where it says nothing. It is recorded beside the charge and compared with it, and
 * never charged, which is why a JSON number is good enough.
 *
 * Sources: OpenRouter, Vercel's gateway (`cost`), Perplexity (`cost.total_cost`), xAI
 * (`cost_in_usd_ticks`, 0 on Azure, where billing is not settled by it).
 */
export function readProviderCost(usage: JsonObject): string | null {
  // With the caller's own key behind the gateway, its cost is a fee on a bill that comes from elsewhere.
  if (usage.is_byok === true) return null;
  if (typeof usage.cost_in_usd_ticks === "number" && usage.cost_in_usd_ticks > 0) {
    return decimal(usage.cost_in_usd_ticks / TICKS_PER_USD);
  }
  return decimal(objectOf(usage.cost)?.total_cost ?? usage.cost);
}

function decimal(value: unknown): string | null {
  if (typeof value !== "number" || !(value >= 0) || value > USD_MAX) return null;
  return value.toFixed(10).replace(/\.?0+$/, "");
}
