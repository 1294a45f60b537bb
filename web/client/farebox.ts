/** The whole of the client, as an interface. `createFarebox` in mod.ts makes one. */
import type { SupabaseClient } from "@supabase/supabase-js";
import type {
  Balance,
  ChatCosts,
  ChatOptions,
  ChatRequest,
  ChatStream,
  Estimate,
  Model,
  Receipt,
  TransactionsPage,
  UsagePage,
  UsageQuery,
  UsageSummary,
} from "./types.ts";

/** The part of supabase-js that is used, so that any version of it will do. */
export type SupabaseParts = Pick<SupabaseClient, "auth" | "channel" | "removeChannel">;

export interface FareboxOptions {
  readonly supabase: SupabaseParts;
  /** The project's address, as given to `createClient`. */
  readonly url: string;
  /** As given to `createClient`: `sb_publishable_…`, or the legacy anon key. */
  readonly publishableKey: string;
  /** `<url>/functions/v1` by default. */
  readonly functionsUrl?: string;
  /** False where the project has no Realtime (the local stack): the balance is polled. */
  readonly realtime?: boolean;
  /** Between two polls while the page is visible and there is no Realtime; 15,000 by default. */
  readonly pollMs?: number;
  /** Keeps a guest's token; `localStorage` by default, or memory where there is none. */
  readonly storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

export interface Farebox {
  /** Asks, and streams the answer. The request is made when the iteration begins. */
  streamChat(request: ChatRequest, options?: ChatOptions): ChatStream;
  balance(): Promise<Balance>;
  usage(query?: UsageQuery): Promise<UsagePage>;
  usageSummary(
    query: { readonly by: "day" | "model"; readonly from?: string; readonly to?: string },
  ): Promise<UsageSummary>;
  chatCost(chatId: string): Promise<ChatCosts>;
  /**
   * @param options `waitMs`: how long to wait for the charge of an answer that has only just ended.
   * @throws FareboxError `REQUEST_NOT_FOUND` where nothing was charged; `FORBIDDEN` for a guest.
   */
  receipt(requestId: string, options?: { readonly waitMs?: number }): Promise<Receipt>;
  transactions(
    query?: { readonly limit?: number; readonly before?: string },
  ): Promise<TransactionsPage>;
  /** Before sending: what a request would cost. */
  estimate(request: ChatRequest, options?: { readonly signal?: AbortSignal }): Promise<Estimate>;
  models(): Promise<readonly Model[]>;
  /**
   * Tells the balance: now, when an answer's cost is known, when another tab or device spends, when
   * somebody signs in or out. One connection, however many listen.
   * @returns stops telling.
   */
  onBalance(listen: (balance: Balance) => void): () => void;
  /** Asks for the balance anew and tells those who listen. */
  refreshBalance(): Promise<void>;
  /**
   * Tells who is signed in, soon and at each change: a user's id, null for a guest. Whatever shows money
   * forgets it then.
   * @returns stops telling.
   */
  onOwner(listen: (owner: string | null) => void): () => void;
  /** Tells of each answer's cost as it is known, of this tab's answers: `chatId` as it was sent. */
  onCost(
    listen: (cost: { readonly chatId: string | null; readonly requestId: string }) => void,
  ): () => void;
  /** Stops listening and polling; the guest's token is kept. */
  close(): void;
}
