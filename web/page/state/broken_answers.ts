/** Answers whose tab went away while they came: what was shown is kept, and its cost looked up. */
import type { ChatCost, Receipt } from "../../client/types.ts";
import { services } from "./services.ts";
import type { Chat, Message } from "./types.ts";

/** The charge of an answer that was hung up on comes with the server's next look, some seconds on. */
const RECEIPT_WAIT_MS = 20_000;

/** Marks what was still coming as stopped. */
export function withAnswersStopped(chat: Chat): Chat {
  const messages = chat.messages.map((message): Message =>
    message.state === "streaming" ? { ...message, state: "stopped" } : message
  );
  return { ...chat, messages };
}

/** The request of each answer whose cost was not yet known. */
export function requestsWithoutCost(chat: Chat): readonly string[] {
  return chat.messages.flatMap(({ state, cost, requestId }) =>
    state === "streaming" && cost === null && requestId !== null ? [requestId] : []
  );
}

/** Null where nothing was charged, or where nobody can say: guests have no receipts. */
export async function costOf(requestId: string): Promise<ChatCost | null> {
  try {
    return costOfReceipt(
      await services().farebox.receipt(requestId, { waitMs: RECEIPT_WAIT_MS }),
    );
  } catch {
    return null;
  }
}

export function withCost(chat: Chat, requestId: string, cost: ChatCost): Chat {
  const messages = chat.messages.map((message) =>
    message.requestId === requestId ? { ...message, cost } : message
  );
  return { ...chat, messages };
}

function costOfReceipt(receipt: Receipt): ChatCost {
  const tokens: Record<string, number> = {};
  for (const line of receipt.lines) tokens[line.class] = (tokens[line.class] ?? 0) + line.tokens;
  return {
    request_id: receipt.request_id,
    cost: receipt.cost,
    balance: receipt.balance_after,
    tokens: {
      ...tokens,
      input: tokens.input ?? 0,
      cache_read: tokens.cache_read ?? 0,
      cache_write_5m: tokens.cache_write_5m ?? 0,
      cache_write_1h: tokens.cache_write_1h ?? 0,
      output: tokens.output ?? 0,
    },
    basis: receipt.basis,
    code: null,
  };
}
