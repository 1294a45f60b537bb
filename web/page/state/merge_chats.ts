/** Two tabs may write to one chat: neither loses what the other added. Pure. */
import type { Chat, Message } from "./types.ts";

/**
 * One chat of two versions of it.
 * @param removed ids of messages that this tab has taken back: they do not return with `stored`.
 */
export function mergedChat(
  mine: Chat,
  stored: Chat | undefined,
  removed: ReadonlySet<string>,
): Chat {
  if (stored === undefined) return mine;
  const theirs = new Map(stored.messages.map((message) => [message.id, message]));
  const known = new Set(mine.messages.map(({ id }) => id));
  const isNew = ([question]: Exchange) => !known.has(question!.id) && !removed.has(question!.id);
  const added = exchangesOf(stored.messages).filter(isNew);
  const messages = mine.messages.map((message) => furtherOn(message, theirs.get(message.id)));
  const merged = added.length === 0
    ? messages
    : [...exchangesOf(messages), ...added].sort(byTime).flat();
  const isLater = stored.updatedAt > mine.updatedAt;
  return {
    ...mine,
    title: mine.messages.length === 0 ? stored.title : mine.title,
    updatedAt: isLater ? stored.updatedAt : mine.updatedAt,
    messages: merged,
  };
}

/** A question and its answer: they stay together. */
type Exchange = readonly Message[];

function exchangesOf(messages: readonly Message[]): Exchange[] {
  const exchanges: Message[][] = [];
  for (const message of messages) {
    const last = exchanges.at(-1);
    if (message.role === "user" || last === undefined) exchanges.push([message]);
    else last.push(message);
  }
  return exchanges;
}

function byTime([a]: Exchange, [b]: Exchange): number {
  return a!.createdAt.localeCompare(b!.createdAt) || a!.id.localeCompare(b!.id);
}

/** Of two versions of a message the one that knows more; mine where they know the same. */
function furtherOn(mine: Message, theirs: Message | undefined): Message {
  if (theirs === undefined) return mine;
  const [here, there] = [rank(mine), rank(theirs)];
  if (here !== there) return here > there ? mine : theirs;
  return mine.state === "streaming" && theirs.text.length > mine.text.length ? theirs : mine;
}

function rank({ state, cost }: Message): number {
  return (state === "streaming" ? 0 : 1) + (cost === null ? 0 : 2);
}
