/** Two tabs may write to one chat: neither loses what the other added. */
import type { Chat, Message } from "./types.ts";

/** What this tab knows better than the store, by the ids of messages. */
export interface Own {
  /** Answers that it has asked for. */
  readonly asked: ReadonlySet<string>;
  /** What it has taken back: that does not return. */
  readonly removed: ReadonlySet<string>;
}

export interface Ownership extends Own {
  /** Takes note of a change of this tab's. @returns whether it asks for an answer. */
  note(before: Chat, after: Chat): boolean;
  /** Whether an answer comes that this tab has asked for. */
  isStreaming(chat: Chat): boolean;
  /** The store knows this chat better. */
  forget(chat: Chat): void;
}

export function createOwnership(): Ownership {
  const asked = new Set<string>();
  const removed = new Set<string>();
  return {
    asked,
    removed,
    note(before, after) {
      const states = new Map(before.messages.map(({ id, state }) => [id, state]));
      const awaited = after.messages.filter(({ id, state }) =>
        state === "streaming" && states.get(id) !== "streaming"
      );
      for (const { id } of awaited) asked.add(id);
      for (const { id } of after.messages) states.delete(id);
      for (const id of states.keys()) removed.add(id);
      return awaited.length > 0;
    },
    isStreaming: ({ messages }) =>
      messages.some(({ id, state }) => state === "streaming" && asked.has(id)),
    forget({ messages }) {
      for (const { id } of messages) asked.delete(id);
    },
  };
}

/** One chat of two versions of it. */
export function mergedChat(mine: Chat, stored: Chat | undefined, own: Own): Chat {
  if (stored === undefined) return mine;
  const theirs = new Map(stored.messages.map((message) => [message.id, message]));
  const known = new Set(mine.messages.map(({ id }) => id));
  const isNew = ([question]: Exchange) =>
    !known.has(question!.id) && !own.removed.has(question!.id);
  const added = exchangesOf(stored.messages).filter(isNew);
  const messages = mine.messages.map((message) =>
    own.asked.has(message.id) ? message : furtherOn(message, theirs.get(message.id))
  );
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

export function newestFirst(chats: readonly Chat[]): readonly Chat[] {
  return chats.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt));
}
