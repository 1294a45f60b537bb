/**
 * What the money functions answer. Amounts are decimal strings in USD, as SQL wrote them: pass them
 * on as they are, and read them with `parseUsd` only to compute.
 */
import * as z from "zod/mini";
import { modelName, parsePrice, type Price } from "../pricing/price.ts";

const amount = z.string().check(z.regex(/^-?\d+(\.\d{1,10})?$/));
const count = z.number().check(z.int());
const basis = z.enum(["reported", "estimated", "checkpoint"]);

const ReservationRow = z.object({
  request_id: z.string(),
  amount,
  /** Output tokens that are paid for so far; the first slice. */
  output_tokens_reserved: count,
  /** The limit to send upstream; null: no one sets one. */
  output_tokens_limit: z.nullable(count),
  /**
   * What set that limit; `guest` is the bound on what the house pays for, `spend_limit` what is left
   * of the day's limit. Null: nothing did.
   */
  output_limited_by: z.nullable(
    z.enum(["client", "model", "balance", "guest", "spend_limit"]),
  ),
  /** Null for a guest, who has no account. */
  balance: z.nullable(amount),
  available: z.nullable(amount),
  price_version: count,
  price: z.looseObject({}),
  /** The prices of who may answer instead, in order. */
  fallbacks: z.nullish(z.array(z.looseObject({}))),
  markup_basis_points: count,
  expires_at: z.string(),
  /** Under `observe`: the code of the refusal that `enforce` would have raised. */
  would_refuse: z.nullable(z.string()),
  guest_exchanges_left: z.nullable(count),
  /** The enforcement that counted: the weaker of the caller's and the setting. */
  enforcement: z.enum(["enforce", "observe", "off"]),
  /** How the user stands in this minute; null where requests are not limited. */
  requests_limit: z.nullable(
    z.object({ limit: count, remaining: count, reset_seconds: count }),
  ),
  /** The day's limit, where `output_limited_by` names it. */
  spend_limit: z.nullish(z.object({ limit: amount, spent: amount, resets_at: z.string() })),
});
/** The prices that the reservation holds, whatever the catalogue says later. */
export const ReservationSchema = z.pipe(
  ReservationRow,
  z.transform(({ price: row, fallbacks, ...rest }): Reservation => {
    const price = parsePrice({ price_version: rest.price_version, ...row });
    const prices = [price, ...(fallbacks ?? []).map(parsePrice)];
    return { ...rest, price, candidates: prices.map((p) => ({ model: modelName(p), price: p })) };
  }),
);
const Untracked = z.object({ state: z.literal("untracked") });

/** What `reserve` answers; null: the setting `usage_tracking` is off, and nothing is held. */
export function parseReserved(data: unknown): Reservation | null {
  return Untracked.safeParse(data).success ? null : z.parse(ReservationSchema, data);
}

export type Reservation = Omit<z.infer<typeof ReservationRow>, "price" | "fallbacks"> & {
  /** The price of the model that was asked. */
  price: Price;
  /** Every model that may answer, `provider:model`; the one that was asked first. */
  candidates: readonly { model: string; price: Price }[];
};

export const ExtensionSchema = z.object({
  state: z.enum(["extended", "refused", "closed"]),
  /** What a refused one is for: the balance, or the day's limit. */
  refused_by: z.nullish(z.enum(["balance", "spend_limit"])),
  output_tokens_reserved: count,
  available: z.nullable(amount),
  expires_at: z.nullable(z.string()),
});
export type Extension = z.infer<typeof ExtensionSchema>;

export const SettlementSchema = z.object({
  state: z.enum(["settled", "already_settled", "corrected"]),
  cost: amount,
  collected: amount,
  uncollected: amount,
  /** Null for a guest. */
  balance_before: z.nullable(amount),
  balance: z.nullable(amount),
  basis,
  /** `provider:model` that was charged. */
  model: z.nullish(z.string()),
  /** What the provider says that it bills. */
  provider_cost: z.nullish(amount),
  /** What was charged for: of an estimate, perhaps less than was asked to be. */
  tokens: z.object({
    input: count,
    cache_read: count,
    cache_write_5m: count,
    cache_write_1h: count,
    output: count,
  }),
});
export type Settlement = z.infer<typeof SettlementSchema>;

export const ReleaseSchema = z.object({
  state: z.enum(["released", "already_released", "already_settled"]),
});
export type Release = z.infer<typeof ReleaseSchema>;

export const ExpirySchema = z.object({ settled: count, released: count });
export type Expiry = z.infer<typeof ExpirySchema>;

export const GrantSchema = z.object({
  state: z.enum(["granted", "already_granted"]),
  amount,
  balance: amount,
});
export type Grant = z.infer<typeof GrantSchema>;

export const RefundSchema = z.object({
  state: z.enum(["refunded", "already_refunded"]),
  amount,
  balance: amount,
});
export type Refund = z.infer<typeof RefundSchema>;

export const WelcomeSchema = z.object({
  state: z.enum(["granted", "already_granted", "not_due"]),
  amount,
  balance: amount,
});
export type Welcome = z.infer<typeof WelcomeSchema>;

export const SignUpDecisionSchema = z.object({
  decision: z.enum(["grant", "no_credit", "reject"]),
  amount,
  reason: z.string(),
  /** What to tell the person; only with `reject`. */
  message: z.nullable(z.string()),
});
export type SignUpDecision = z.infer<typeof SignUpDecisionSchema>;

export const AccountBalanceSchema = z.object({
  balance: amount,
  reserved: amount,
  available: amount,
  currency: z.string(),
});
export type AccountBalance = z.infer<typeof AccountBalanceSchema>;

export const GuestStatusSchema = z.object({
  limit: count,
  left: count,
  window_ends_at: z.nullable(z.string()),
});
export type GuestStatus = z.infer<typeof GuestStatusSchema>;

/** A request that has ended: its stored answer and its receipt, null where there is none. */
export const EndedRequestSchema = z.object({
  exchange: z.nullable(z.object({
    model: z.string(),
    /** The bytes in base64; null where they were not kept. */
    response: z.nullable(z.string()),
    response_type: z.nullable(z.string()),
  })),
  receipt: z.nullable(z.record(z.string(), z.unknown())),
  /** Null where the request is not known, or still runs. */
  ended_ms_ago: z.nullable(z.number()),
});
export type EndedRequest = z.infer<typeof EndedRequestSchema>;

/** Those of the ids that were asked for that were not given to the user. */
export const ForeignItemsSchema = z.array(z.string());

/** Null: what the environment says. */
export const FunctionSettingsSchema = z.object({
  cors_allowed_origins: z.nullable(z.array(z.string())),
  save_chat_history: z.boolean(),
  /** Whether whose an answer is, is remembered and asked; absent from older migrations. */
  own_stored_items_only: z.optional(z.boolean()),
  /** Null where no request may be sent before it is reserved; absent from older migrations. */
  early_starts: z.nullish(z.object({
    /** What refusals of such requests may still cost the house today. */
    loss_left: amount,
    minimum_balance: amount,
  })),
});
export type FunctionSettings = z.infer<typeof FunctionSettingsSchema>;
