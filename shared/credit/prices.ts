/**
 * Prices as their operator reads and writes them: the raw columns, absent where they are absent. For
 * the operator's tool alone; what a request costs is read through `ledger.ts` and `shared/pricing`.
 */
import * as z from "zod/mini";
import { parseUsd, type Usd } from "../pricing/money.ts";
import type { Outcome } from "./ledger.ts";
import { LedgerUnavailable } from "./ledger_unavailable.ts";
import { createRpc, type LedgerOptions } from "./rpc.ts";

/** Amounts that `model_pricing` has columns for: USD per 1,000 tokens; the fees USD each. */
export const PRICE_AMOUNTS = [
  "input_per_1k",
  "output_per_1k",
  "cache_read_per_1k",
  "cache_write_5m_per_1k",
  "cache_write_1h_per_1k",
  "input_audio_per_1k",
  "input_image_per_1k",
  "cache_read_audio_per_1k",
  "output_audio_per_1k",
  "output_image_per_1k",
  "long_input_per_1k",
  "long_output_per_1k",
  "long_cache_read_per_1k",
  "long_cache_write_5m_per_1k",
  "long_cache_write_1h_per_1k",
  "web_search_fee",
  "request_fee",
] as const;
export type PriceAmount = typeof PRICE_AMOUNTS[number];

/** Whole numbers that belong to a price. */
export const PRICE_LIMITS = [
  "long_context_threshold_tokens",
  "max_input_tokens",
  "max_output_tokens",
  "image_tokens_max",
] as const;
export type PriceLimit = typeof PRICE_LIMITS[number];

/** A record with a value for each name. */
export function byName<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
}

/** What one version of a price says; `null` where it says nothing. */
export interface PriceColumns {
  readonly amounts: Readonly<Record<PriceAmount, Usd | null>>;
  readonly limits: Readonly<Record<PriceLimit, number | null>>;
  readonly hidesReasoning: boolean;
  readonly source: string;
  readonly version: number;
}

/** A row of `model_pricing`. */
export interface PriceRow extends PriceColumns {
  readonly providerId: string;
  readonly modelId: string;
  readonly displayName: string;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** A version of a price, with the time in which it was in force; `effectiveTo` null: it still is. */
export interface PriceVersion extends PriceColumns {
  readonly effectiveFrom: string;
  readonly effectiveTo: string | null;
}

/** Columns to set. What is not named stays; a new price needs `input_per_1k` and `output_per_1k`. */
export type PriceChange =
  & {
    readonly provider_id: string;
    readonly model_id: string;
    /** The version that was read before, `null` for a new price; another one is a CONFLICT. */
    readonly expected_version: number | null;
    readonly source: string;
    readonly display_name?: string;
    readonly hides_reasoning?: boolean;
  }
  /** Decimal strings. */
  & { readonly [amount in PriceAmount]?: string | null }
  & { readonly [limit in PriceLimit]?: number | null };

/** What came of a change. `unchanged`: the price was so already, and no version was made. */
export type PriceWrite = {
  provider_id: string;
  model_id: string;
  price_version: number;
  state: "added" | "changed" | "unchanged";
};

export interface PriceLedger {
  list(): Outcome<PriceRow[]>;
  /** Makes all changes in one transaction, or none. */
  set(changes: readonly PriceChange[]): Outcome<PriceWrite[]>;
  /** Newest first; empty where the model never had a price. */
  history(providerId: string, modelId: string): Outcome<PriceVersion[]>;
}

/** Connects to the prices of a project. Methods throw `LedgerUnavailable` as the ledger's do. */
export function createPriceLedger(options: LedgerOptions): PriceLedger {
  const rpc = createRpc(options);

  async function call<T>(
    name: string,
    args: Record<string, unknown>,
    parse: (data: unknown) => T,
  ): Outcome<T> {
    const result = await rpc(name, args);
    if (result.kind === "refused") return result.refusal;
    try {
      return parse(result.data);
    } catch {
      throw new LedgerUnavailable(name, "malformed answer: are all migrations applied?");
    }
  }

  return {
    list: () => call("price_list", {}, (data) => z.parse(z.array(Row), data).map(readRow)),
    set: (changes) =>
      call("set_prices", { p_prices: changes }, (data) => z.parse(z.array(Write), data)),
    history: (providerId, modelId) =>
      call(
        "price_history",
        { p_provider_id: providerId, p_model_id: modelId },
        (data) => z.parse(z.array(Version), data).map(readVersion),
      ),
  };
}

const Columns = z.object({
  ...byName(PRICE_AMOUNTS, () => z.nullable(z.string())),
  ...byName(PRICE_LIMITS, () => z.nullable(z.int())),
  hides_reasoning: z.boolean(),
  source: z.string(),
  price_version: z.int(),
});
const Row = z.extend(Columns, {
  provider_id: z.string(),
  model_id: z.string(),
  display_name: z.string(),
  updated_at: z.string(),
});
const Version = z.extend(Columns, {
  effective_from: z.string(),
  effective_to: z.nullable(z.string()),
});
const Write = z.object({
  provider_id: z.string(),
  model_id: z.string(),
  price_version: z.int(),
  state: z.enum(["added", "changed", "unchanged"]),
});

function readColumns(row: z.infer<typeof Columns>): PriceColumns {
  return {
    amounts: byName(PRICE_AMOUNTS, (name) => {
      const text = row[name];
      return text === null ? null : parseUsd(text);
    }),
    limits: byName(PRICE_LIMITS, (name) => row[name]),
    hidesReasoning: row.hides_reasoning,
    source: row.source,
    version: row.price_version,
  };
}

function readRow(row: z.infer<typeof Row>): PriceRow {
  return {
    ...readColumns(row),
    providerId: row.provider_id,
    modelId: row.model_id,
    displayName: row.display_name,
    updatedAt: row.updated_at,
  };
}

function readVersion(row: z.infer<typeof Version>): PriceVersion {
  return {
    ...readColumns(row),
    effectiveFrom: row.effective_from,
    effectiveTo: row.effective_to,
  };
}
