/** Answers whose tab went away while they came: what was shown is kept, and its cost looked up. */
import type { ChatCost } from "../../client/types.ts";
import type { Chat, Message } from "./types.ts";

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

export function withCost(chat: Chat, requestId: string, cost: ChatCost): Chat {
  const messages = chat.messages.map((message) =>
    message.requestId === requestId ? { ...message, cost } : message
  );
  return { ...chat, messages };
}
