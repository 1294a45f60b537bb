/**
 * What the ledger's functions are asked. Amounts are decimal strings in USD, times ISO 8601.
 */
import type { Basis, MediaTokens, Tokens } from "../pricing/usage.ts";

/** Who pays: an account, or a guest's free exchanges. */
export type Payer =
  | { userId: string }
  | { guestTokenId: string; guestAddressHash: string; guestLimit: number };

export type ReserveArgs = {
  requestId: string;
  payer: Payer;
  providerId: string;
  modelId: string;
  /** Who may answer instead, `provider:model` each; the hold covers the dearest of all. At most 8. */
  fallbackModels: readonly string[];
  /** Upper bound of the prompt, all classes. */
  inputTokensMax: number;
  /** The client's own limit; null where it set none. */
  outputTokensMax: number | null;
  /** Whether sound or images are in the prompt or the answer: held at their own prices then. */
  withMedia: boolean;
  /** How often the provider may search; each search is held at its fee. */
  webSearchesMax: number;
  chatId: string | null;
  idempotencyKey: string | null;
  /** Hash of what makes the request the same one; goes with `idempotencyKey`. */
  requestHash: string | null;
  /** Of this and the setting `balance_enforcement` the weaker counts. */
  enforcement: "enforce" | "observe" | "off";
  /**
   * Whether the answer is counted as it comes, so that it can be extended slice by slice. Where
   * false, the whole output limit is held at once.
   */
  canExtend: boolean;
};

export type ExtendArgs = {
  requestId: string;
  /** Absolute, so repeating is harmless; the same total again is a heartbeat. */
  outputTokensTotal: number;
  /** The checkpoint: what was used so far. */
  inputTokens: number;
  outputTokens: number;
};

export type SettleArgs = {
  requestId: string;
  /** `provider:model` that answered; null: the one that was asked. */
  model: string | null;
  tokens: Tokens;
  /** Sound and images within `tokens`. */
  media: MediaTokens;
  webSearches: number;
  /** What other models used beside `tokens`, as the provider calls them; at most 8. */
  otherModels: readonly { model: string; tokens: Tokens }[];
  basis: Basis;
  providerRequestId: string | null;
  /** Why the answer ended, in the provider's word. */
  finish: string | null;
  /** What the provider says that it bills: compared with the cost, never charged. */
  providerCost: string | null;
  /** The tier that the provider served, in its own word. */
  serviceTier: string | null;
  /** What was odd about the usage. */
  flags: readonly string[];
  firstTokenMs: number | null;
  durationMs: number | null;
};

export type GrantArgs = {
  userId: string;
  amount: string;
  kind: "grant" | "top_up" | "adjustment";
  /** Idempotency key: the same key grants once. */
  key: string;
  note: string | null;
};

export type RefundArgs = { requestId: string; amount: string | null; key: string; reason: string };

export type SignUpArgs = {
  userId: string;
  email: string | null;
  addressHash: string | null;
  isAnonymous: boolean;
};

export type GuestArgs = { guestTokenId: string; guestAddressHash: string; guestLimit: number };

export type Range = { from: string | null; to: string | null };
export type Page = { limit: number; before: string | null };
export type UsageArgs = Range & Page & {
  userId: string;
  /** `provider:model`. */
  model: string | null;
  chatId: string | null;
};

export type ExchangeArgs = {
  requestId: string;
  userId: string;
  chatId: string | null;
  dialect: string;
  /** `provider:model` that answered. */
  model: string;
  /** The body as the client sent it, JSON; null where it is too large to be kept. */
  request: unknown;
  /** What of the answer a person reads. */
  answer: string;
  /** The bytes as the client got them; null where they are not to be given again. */
  response: Uint8Array | null;
  responseType: string | null;
};

export type IncidentArgs = {
  kind: string;
  userId: string | null;
  requestId: string | null;
  details: Record<string, unknown>;
};
