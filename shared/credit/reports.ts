/**
 * What the reporting functions answer. Amounts are decimal strings in USD, times are ISO 8601.
 */
import * as z from "zod/mini";

const amount = z.string().check(z.regex(/^-?\d+(\.\d{1,10})?$/));
const count = z.number().check(z.int());
const basis = z.enum(["reported", "estimated", "checkpoint"]);
const tokens = z.object({
  input: count,
  cache_read: count,
  cache_write_5m: count,
  cache_write_1h: count,
  output: count,
});

export const UsagePageSchema = z.object({
  records: z.array(z.object({
    request_id: z.string(),
    chat_id: z.nullable(z.string()),
    model: z.string(),
    provider: z.string(),
    tokens,
    cost: amount,
    collected: amount,
    uncollected: amount,
    basis,
    created_at: z.string(),
    /** A correction follows a charge that was made at a checkpoint. */
    kind: z.enum(["charge", "correction"]),
  })),
  /** The cursor of the next page; null on the last. */
  next_before: z.nullable(z.string()),
});
export type UsagePage = z.infer<typeof UsagePageSchema>;

export const UsageSummarySchema = z.object({
  by: z.enum(["day", "model"]),
  groups: z.array(z.object({ key: z.string(), requests: count, tokens, cost: amount })),
  total: z.object({ requests: count, tokens, cost: amount }),
});
export type UsageSummary = z.infer<typeof UsageSummarySchema>;

export const ChatCostSchema = z.object({
  chat_id: z.string(),
  cost: amount,
  requests: count,
  tokens,
  messages: z.array(z.object({
    request_id: z.string(),
    model: z.string(),
    cost: amount,
    tokens,
    basis,
    created_at: z.string(),
  })),
});
export type ChatCost = z.infer<typeof ChatCostSchema>;

/** Loose, because a receipt is shown to people and passed on as SQL wrote it. */
export const ReceiptSchema = z.nullable(z.looseObject({
  request_id: z.string(),
  user_id: z.nullable(z.string()),
  provider: z.string(),
  model: z.string(),
  basis,
  tier: z.enum(["standard", "long_context"]),
  /**
   * Disjoint: a class is without its sound and images, which have lines of their own. `model` is with
   * lines of other models. Null for a request that used no tokens and paid its fee alone.
   */
  lines: z.nullable(z.array(z.union([
    z.looseObject({ class: z.string(), tokens: count, price_per_1k: amount, cost: amount }),
    z.looseObject({
      class: z.literal("web_search"),
      count,
      /** Null where the price has no fee for it: it was not charged. */
      fee: z.nullable(amount),
      cost: amount,
    }),
  ]))),
  request_fee: amount,
  cost: amount,
  /** What the provider says that it bills; null where it says nothing. */
  provider_cost: z.nullable(amount),
  service_tier: z.nullable(z.string()),
  flags: z.nullable(z.array(z.string())),
  collected: amount,
  uncollected: amount,
  created_at: z.string(),
}));
export type Receipt = NonNullable<z.infer<typeof ReceiptSchema>>;

export const TransactionsPageSchema = z.object({
  transactions: z.array(z.object({
    id: z.union([z.string(), z.number()]),
    kind: z.string(),
    amount,
    note: z.nullable(z.string()),
    request_id: z.nullable(z.string()),
    balance_after: amount,
    created_at: z.string(),
  })),
  next_before: z.nullable(z.string()),
});
export type TransactionsPage = z.infer<typeof TransactionsPageSchema>;

/** Counters by name, possibly nested; which ones is the database's to say. */
export const HealthDetailsSchema = z.record(z.string(), z.unknown());
export type HealthDetails = z.infer<typeof HealthDetailsSchema>;

export const ReconciliationSchema = z.object({
  violations: z.array(z.looseObject({
    check: z.string(),
    user_id: z.nullable(z.string()),
    expected: z.unknown(),
    actual: z.unknown(),
  })),
  accounts: count,
  checked_at: z.string(),
});
export type Reconciliation = z.infer<typeof ReconciliationSchema>;
