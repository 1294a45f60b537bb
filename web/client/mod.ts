/**
 * Farebox in a browser: streams answers, and knows what they cost.
 *
 *     const farebox = createFarebox({ supabase, url, publishableKey });
 *     for await (const event of farebox.streamChat({ model, messages })) { … }
 */
import { createBalanceWatch } from "./balance_watch.ts";
import { type ChatListener, createChatStream } from "./chat_stream.ts";
import type { Farebox, FareboxOptions } from "./farebox.ts";
import { createHttp } from "./http.ts";
import { readBalance } from "./read_balance.ts";
import { settledReceipt } from "./settled_receipt.ts";
import type { Model } from "./types.ts";

export {
  FareboxError,
  type FareboxErrorFacts,
  FreeLimitReached,
  InsufficientBalance,
  NetworkError,
  SessionExpired,
} from "./errors.ts";
export type { Farebox, FareboxOptions, SupabaseParts } from "./farebox.ts";
export type {
  Balance,
  Basis,
  ChatCost,
  ChatCosts,
  ChatEvent,
  ChatMessage,
  ChatOptions,
  ChatRequest,
  ChatStream,
  Estimate,
  Model,
  Receipt,
  Tokens,
  ToolCall,
  Transaction,
  TransactionsPage,
  UsagePage,
  UsageQuery,
  UsageRecord,
  UsageSummary,
  UsageSums,
} from "./types.ts";

type CostListener = Parameters<Farebox["onCost"]>[0];

/** Makes the client. Nothing is asked, and nothing listened to, before it is used. */
export function createFarebox(options: FareboxOptions): Farebox {
  const http = createHttp(options);
  const watch = createBalanceWatch(http, options);
  const costListeners = new Set<CostListener>();

  /** A report, as the functions word it. */
  async function read<T>(
    path: string,
    query: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<T> {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) params.set(name, String(value));
    }
    const { json } = await http.json(params.size > 0 ? `${path}?${params}` : path);
    return json as T;
  }

  const tellCost: CostListener = (cost) => {
    for (const listen of [...costListeners]) listen(cost);
  };

  return {
    streamChat(request, chatOptions = {}) {
      const listener: ChatListener = {
        cost(cost, owner) {
          if (cost.balance !== null) watch.hear(owner, { balance: cost.balance });
          tellCost({ chatId: chatOptions.chatId ?? null, requestId: cost.request_id });
        },
        freeExchangesLeft: (left, owner) => watch.hear(owner, { left }),
        unsure: () => watch.refreshSoon(),
      };
      return createChatStream(http, request, chatOptions, listener);
    },
    balance: async () => (await readBalance(http)).balance,
    usage: ({ chatId, ...query } = {}) => read("/balance/usage", { ...query, chat_id: chatId }),
    usageSummary: (query) => read("/balance/usage/summary", query),
    chatCost: (chatId) => read(`/balance/usage/chats/${encodeURIComponent(chatId)}`),
    async receipt(requestId, { waitMs = 0 } = {}) {
      let isNews = false;
      const receipt = await settledReceipt(http, requestId, waitMs, undefined, () => isNews = true);
      if (isNews) tellCost({ chatId: receipt.chat_id, requestId });
      return receipt;
    },
    transactions: (query = {}) => read("/balance/transactions", query),
    async estimate(request, { signal } = {}) {
      const { json } = await http.json("/balance/estimate", { body: request, signal });
      return json as unknown as Awaited<ReturnType<Farebox["estimate"]>>;
    },
    models: async () => (await read<{ data: Model[] }>("/chat-proxy/v1/models")).data,
    onBalance: (listen) => watch.listen(listen),
    refreshBalance: () => watch.refresh(),
    onOwner(listen) {
      let owner: string | null | undefined;
      const { data } = options.supabase.auth.onAuthStateChange((_event, session) => {
        const next = session?.user.id ?? null;
        if (next !== owner) listen(owner = next);
      });
      return () => data.subscription.unsubscribe();
    },
    onCost(listen) {
      const mine: CostListener = (cost) => listen(cost);
      costListeners.add(mine);
      return () => costListeners.delete(mine);
    },
    close() {
      watch.close();
      costListeners.clear();
    },
  };
}
