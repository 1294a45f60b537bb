/**
 * What the client takes and gives. What the functions answer is passed on as it came, in their
 * snake_case; what the client itself makes is in camelCase. Amounts are decimal strings in USD,
 * exact to the last digit: never put them through `Number`.
 */

/** Token counts by class, as they are charged. */
export interface Tokens {
  readonly input: number;
  readonly cache_read: number;
  readonly cache_write_5m: number;
  readonly cache_write_1h: number;
  readonly output: number;
  /** Media classes, where an answer used any. */
  readonly [mediaClass: string]: number;
}

/** `reported` by the provider; `estimated` where it said nothing; `none`: nothing to charge. */
export type Basis = string;

/** One message of a chat, as in OpenAI's Chat API. */
export interface ChatMessage {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content: unknown;
  readonly [field: string]: unknown;
}

/** The body of a chat request: OpenAI's Chat API; `stream` is set by the client. */
export interface ChatRequest {
  /** `provider:model`, such as `openai:gpt-4o`. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly [field: string]: unknown;
}

export interface ChatOptions {
  /** Aborts at once: the iteration throws an `AbortError`. For a Stop button take `stream.stop()`. */
  readonly signal?: AbortSignal;
  /** Groups charges: `chatCost(chatId)` sums them. At most 128 characters. */
  readonly chatId?: string;
  /** A repeated key is never charged twice. */
  readonly idempotencyKey?: string;
  /** Asked in this order where the first model cannot answer. */
  readonly fallbackModels?: readonly string[];
}

/** What an answer cost: the proxy's trailing comment. */
export interface ChatCost {
  readonly request_id: string;
  readonly cost: string;
  /** What was taken from the balance, where it did not pay for all of the cost. */
  readonly collected?: string;
  /** After the charge; null for a guest. */
  readonly balance: string | null;
  readonly tokens: Tokens | null;
  readonly basis: Basis | null;
  /** Why an answer ended early: `INSUFFICIENT_BALANCE`, `UPSTREAM_ERROR`, `DEADLINE_REACHED`, … */
  readonly code: string | null;
}

export interface ToolCall {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  /** JSON, whole. */
  readonly arguments: string;
}

/** One step of an answer, in this order: start, (text | reasoning)*, tool_call*, cost?, end. */
export type ChatEvent =
  | {
    readonly type: "start";
    readonly requestId: string;
    /** Who answers; another than was asked for after a fallback. */
    readonly model: string;
    /** Set where the answer may be shorter than was asked for. */
    readonly outputLimitedBy: "balance" | "guest" | "spend_limit" | null;
    /** A guest's exchanges that are left after this one; null for a user. */
    readonly freeExchangesLeft: number | null;
  }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "tool_call"; readonly toolCall: ToolCall }
  | { readonly type: "cost"; readonly cost: ChatCost }
  | {
    readonly type: "end";
    /** The provider's word; `stopped` after `stop()`; null where it gave none. */
    readonly finishReason: string | null;
  };

/** An answer as it comes. Can be iterated once. Errors are `FareboxError`s, see errors.ts. */
export interface ChatStream extends AsyncIterable<ChatEvent> {
  /**
   * Hangs up. The iteration goes on with what the receipt says this cost (a user's; waits for it for
   * some seconds) and ends. What was shown is charged. Safe to call at any time.
   */
  stop(): void;
}

/** `GET balance`, with the balance's own digits. */
export type Balance =
  | {
    readonly kind: "user";
    readonly balance: string;
    readonly currency: string;
    /** Not held by answers that are still running; null where only the balance is known yet. */
    readonly available: string | null;
    readonly reserved: string | null;
  }
  | {
    readonly kind: "guest";
    /** Free exchanges; `window_ends_at` is ISO 8601, null before the first. */
    readonly exchanges: {
      readonly limit: number;
      readonly left: number;
      readonly window_ends_at: string | null;
    };
  };

/** One charge of `GET balance/usage`. */
export interface UsageRecord {
  readonly request_id: string;
  readonly chat_id: string | null;
  readonly model: string;
  readonly provider: string;
  readonly tokens: Tokens;
  readonly cost: string;
  readonly collected: string;
  readonly uncollected: string;
  readonly basis: Basis;
  /** ISO 8601. */
  readonly created_at: string;
  readonly kind: string;
}

export interface UsageQuery {
  /** ISO 8601; inclusive. */
  readonly from?: string;
  /** ISO 8601; exclusive. */
  readonly to?: string;
  readonly model?: string;
  readonly chatId?: string;
  /** 1 to 200; 50 by default. */
  readonly limit?: number;
  /** `next_before` of the page before. */
  readonly before?: string;
}

export interface UsagePage {
  readonly records: readonly UsageRecord[];
  /** Null on the last page. */
  readonly next_before: string | null;
}

export interface UsageSums {
  readonly requests: number;
  readonly tokens: Tokens;
  readonly cost: string;
}

export interface UsageSummary {
  readonly by: "day" | "model";
  /** `key`: a day (UTC, `2026-11-22`) or a model. */
  readonly groups: readonly (UsageSums & { readonly key: string })[];
  readonly total: UsageSums;
}

/** `GET balance/usage/chats/{chatId}` */
export interface ChatCosts extends UsageSums {
  readonly chat_id: string;
  readonly messages: readonly {
    readonly request_id: string;
    readonly model: string;
    readonly cost: string;
    readonly tokens: Tokens;
    readonly basis: Basis;
    readonly created_at: string;
  }[];
}

/** `GET balance/receipts/{requestId}`: why this price. */
export interface Receipt {
  readonly request_id: string;
  readonly user_id: string;
  readonly provider: string;
  readonly model: string;
  readonly basis: Basis;
  readonly tier: string;
  readonly lines: readonly {
    readonly class: string;
    readonly tokens: number;
    readonly price_per_1k: string;
    readonly cost: string;
  }[];
  readonly request_fee: string;
  readonly cost: string;
  readonly collected: string;
  readonly uncollected: string;
  readonly balance_before: string | null;
  readonly balance_after: string | null;
  readonly price_version: number | null;
  readonly price_effective_from: string | null;
  readonly markup_basis_points: number;
  readonly finish: string | null;
  readonly chat_id: string | null;
  readonly created_at: string;
  readonly refunds: readonly unknown[];
  readonly correction: unknown;
  readonly [field: string]: unknown;
}

export interface Transaction {
  readonly id: number;
  /** `grant`, `adjustment`, `refund`, … */
  readonly kind: string;
  readonly amount: string;
  readonly note: string | null;
  readonly request_id: string | null;
  readonly balance_after: string;
  readonly created_at: string;
}

export interface TransactionsPage {
  readonly transactions: readonly Transaction[];
  readonly next_before: string | null;
}

/** `POST balance/estimate` */
export interface Estimate {
  readonly model: string;
  readonly cost_typical: string;
  readonly cost_max: string | null;
  readonly currency: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly input_tokens_max: number;
  readonly output_tokens_max: number | null;
  /** Null for a guest. */
  readonly available: string | null;
  /** How many such messages the balance pays for; null for a guest. */
  readonly affordable_answers: number | null;
  readonly [field: string]: unknown;
}

/** One entry of `GET chat-proxy/v1/models`. */
export interface Model {
  readonly id: string;
  readonly owned_by: string;
  /** For people; null where the price has none. */
  readonly name: string | null;
  readonly context_window: number | null;
  readonly max_output_tokens: number | null;
  readonly pricing: {
    readonly currency: string;
    readonly input_per_1k: string;
    readonly output_per_1k: string;
    readonly cache_read_per_1k: string;
  };
  readonly dialects: readonly string[];
  /** Whether `stop()` saves what was not yet written. */
  readonly stops_billing_on_abort: boolean;
}
