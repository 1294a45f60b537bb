/** Answers whose tab went away while they came: what was shown is kept, and its cost looked up. */
import type { ChatCost } from "../../client/types.ts";
import { findCost, findUnknownCost } from "./conversation_cost.ts";
import type { Chat, Message } from "./types.ts";

/** A charge comes minutes late at most: what was found nowhere by then is looked for no more. */
const UNKNOWN_AGE_MS_MAX = 60 * 60_000;

/** Marks what was still coming as stopped. */
export function withAnswersStopped(chat: Chat): Chat {
  const messages = chat.messages.map((message): Message =>
    message.state === "streaming" ? { ...message, state: "stopped" } : message
  );
  return { ...chat, messages };
}

/** Finds what each answer of a user's chat cost that has ended without its cost. */
export async function lookUpCosts(
  chat: Chat,
  change: (change: (chat: Chat) => Chat) => void,
): Promise<void> {
  const known = new Set(chat.messages.map(({ requestId }) => requestId));
  for (const answer of chat.messages) {
    if (!lacksCost(answer)) continue;
    const cost = answer.requestId !== null
      ? await findCost(answer.requestId)
      : await findUnknownCost(chat.id, answer.createdAt, (requestId) => known.has(requestId));
    if (cost === null) continue;
    known.add(cost.request_id);
    change((one) => withCost(one, answer, cost));
  }
}

function lacksCost({ role, state, cost, requestId, createdAt }: Message): boolean {
  if (role !== "assistant" || state === "streaming" || cost !== null) return false;
  if (requestId !== null) return true;
  return state === "stopped" && Date.now() - Date.parse(createdAt) < UNKNOWN_AGE_MS_MAX;
}

/** Meanwhile it may have been asked again, in the same place. */
function withCost(chat: Chat, { id, createdAt }: Message, cost: ChatCost): Chat {
  const messages = chat.messages.map((message) =>
    message.id === id && message.createdAt === createdAt && message.cost === null
      ? { ...message, requestId: cost.request_id, cost }
      : message
  );
  return { ...chat, messages };
}
