/** The chats that the page shows, and what this tab does to them. `chats.ts` stores what follows. */
import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { beginStreaming, endStreaming, isStreamedHere } from "./chat_tabs.ts";
import { emptyChat } from "./conversation_history.ts";
import { createOwnership, newestFirst } from "./merge_chats.ts";
import { go, hashOfChat, route } from "./route.ts";
import { stopAnswerIn } from "./running_answers.ts";
import type { Chat } from "./types.ts";

/** Newest first. */
export const chats = signal<readonly Chat[]>([]);

/** Null: a chat that has yet to begin. */
export const openChatId = signal<string | null>(null);

export const openChat: ReadonlySignal<Chat | null> = computed(() =>
  chats.value.find(({ id }) => id === openChatId.value) ?? null
);

/** Another tab streams an answer into the open chat. */
export const isBusyElsewhere: ReadonlySignal<boolean> = computed(() =>
  openChat.value !== null && isStreaming(openChat.value) && !isStreamedHere(openChat.value.id)
);

/** Changed, and not being stored yet; by their ids. */
export const unsavedIds = signal<ReadonlySet<string>>(new Set());

/** What this tab knows better than the store. */
export const ownership = createOwnership();

/** When chats were deleted, by their ids, as far as this tab knows. ISO 8601. */
const deletions = new Map<string, string>();

effect(() => {
  if (route.value.page === "chat") openChatId.value = route.value.chatId;
});

/** A chat without messages, opened. `model`: `provider:model`. `id`: of a chat that is gone. */
export function newChat(model: string, id: string = crypto.randomUUID()): Chat {
  const chat = emptyChat(id, model, new Date());
  batch(() => {
    chats.value = [chat, ...chats.value];
    markUnsaved(chat.id);
    openChatById(chat.id);
  });
  return chat;
}

/** Replaces a chat by what `change` makes of it; does nothing where the chat is gone. */
export function changeChat(id: string, change: (chat: Chat) => Chat): void {
  const before = chats.value.find((chat) => chat.id === id);
  if (before === undefined) return;
  const after = change(before);
  if (after === before) return;
  if (ownership.note(before, after)) beginStreaming(id);
  replace(after);
}

export function openChatById(id: string): void {
  go(hashOfChat(id));
}

/** Whether an answer is not whole yet, as far as is known. */
export function isStreaming(chat: Chat): boolean {
  return chat.messages.some(({ state }) => state === "streaming");
}

/**
 * Shows a chat as it is stored: from now on the store knows it better. Not one that was deleted while
 * it was read, and not one that has changed here: storing it will merge the two.
 * @returns whether it is shown so.
 */
export function showStored(chat: Chat): boolean {
  if (wasDeleted(chat) || unsavedIds.peek().has(chat.id)) return false;
  ownership.forget(chat);
  chats.value = newestFirst([chat, ...chats.value.filter(({ id }) => id !== chat.id)]);
  return true;
}

/** Shows a chat in place of what it was; it is stored. */
export function replace(chat: Chat): void {
  chats.value = newestFirst(chats.value.map((one) => one.id === chat.id ? chat : one));
  markUnsaved(chat.id);
}

/**
 * Shows a chat no more that was deleted `at` this time, ISO 8601, and writes it no more. News of it may
 * come late: one that was begun anew since is another.
 */
export function forget(id: string, at: string): void {
  if (at > (deletions.get(id) ?? "")) deletions.set(id, at);
  const chat = chats.value.find((one) => one.id === id);
  if (chat !== undefined && !wasDeleted(chat)) return;
  stopAnswerIn(id);
  unsavedIds.value = new Set([...unsavedIds.peek()].filter((one) => one !== id));
  endStreaming(id);
  chats.value = chats.value.filter((chat) => chat.id !== id);
  if (openChatId.value === id) go("#/");
}

/** One that was begun anew has its old id, and is younger. */
export function wasDeleted({ id, createdAt }: Chat): boolean {
  return createdAt <= (deletions.get(id) ?? "");
}

function markUnsaved(id: string): void {
  const ids = unsavedIds.peek();
  if (!ids.has(id)) unsavedIds.value = new Set([...ids, id]);
}
