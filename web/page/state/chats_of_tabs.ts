/**
 * What other tabs do to the chats that are shown here: what they store, delete, stream, and leave
 * when they go.
 */
import { lookUpCosts, withAnswersStopped } from "./broken_answers.ts";
import { readChat } from "./chat_store.ts";
import { isStreamedHere, onNewsOfOtherTabs, untilNoTabStreams } from "./chat_tabs.ts";
import {
  changeChat,
  chats,
  forget,
  isStreaming,
  replace,
  showStored,
  wasDeleted,
} from "./shown_chats.ts";
import { currentOwner, store } from "./store_queue.ts";
import type { Chat } from "./types.ts";
import { onUnsaved, storeUnsaved, type UnsavedChats } from "./unsaved_chats.ts";

onNewsOfOtherTabs(async (news) => {
  if (news.owner !== currentOwner()) return;
  // At once: what is written meanwhile would bring it back.
  if (news.kind === "deleted") forget(news.chatId);
  await takeUnsaved();
  if (news.kind === "deleted") return;
  for (const chatId of news.chatIds) await takeFromStore(chatId);
});
onUnsaved((of) => {
  if (of === currentOwner()) void takeUnsaved();
});

/** Reads a chat that another tab has stored. What this tab itself streams is newer here. */
async function takeFromStore(chatId: string): Promise<void> {
  if (isStreamedHere(chatId)) return;
  await store(async (of) => {
    const chat = await readChat(of, chatId);
    if (chat === undefined || of !== currentOwner() || isStreamedHere(chatId)) return;
    showStored(chat);
    watchAnswerOfOtherTab(chat);
  });
}

/** Stores and shows what a page has kept that went. */
async function takeUnsaved(): Promise<void> {
  let taken: readonly UnsavedChats[] = [];
  await store(async (of) => {
    taken = await storeUnsaved(of, wasDeleted);
  });
  for (const { removed, written } of taken) {
    const isThereAgain = new Set(written.map(({ id }) => id));
    for (const id of removed) if (!isThereAgain.has(id)) forget(id);
    for (const { id } of written) await takeFromStore(id);
  }
}

const watched = new Set<string>();

/** Ends what no tab streams any more: after a reload, or when the tab that did was closed. */
export async function watchAnswerOfOtherTab({ id, messages }: Chat): Promise<void> {
  if (watched.has(id) || !messages.some(({ state }) => state === "streaming")) return;
  watched.add(id);
  await untilNoTabStreams(id);
  await takeFromStore(id);
  watched.delete(id);
  const chat = chats.value.find((one) => one.id === id);
  if (chat === undefined || !isStreaming(chat) || isStreamedHere(id)) return;
  replace(withAnswersStopped(chat));
  findCosts(id);
}

/** Of answers that were broken off, whose costs nobody was told. */
export function findCosts(chatId: string): void {
  const of = currentOwner();
  const chat = chats.value.find(({ id }) => id === chatId);
  // Guests have no receipts.
  if (of === "guest" || chat === undefined) return;
  void lookUpCosts(chat, (change) => of === currentOwner() && changeChat(chatId, change));
}
