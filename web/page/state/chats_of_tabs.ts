/**
 * What other tabs do to the chats that are shown here: what they store, delete, stream, and leave
 * when they go.
 */
import { lookUpCosts, withAnswersStopped } from "./broken_answers.ts";
import { type Owner, readChat } from "./chat_store.ts";
import {
  isStreamedHere,
  onNewsOfOtherTabs,
  tellOtherTabs,
  untilNoTabStreams,
} from "./chat_tabs.ts";
import { removeInTurn } from "./removals.ts";
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
  // At once: what is written meanwhile would bring it back. Whoever owns it: here it may be a guest's
  // yet, or not any more.
  if (news.kind === "deleted") {
    forget(news.chatId, news.at);
    // What this tab was writing in that moment has come after the deletion.
    void removeInTurn({ id: news.chatId, at: news.at });
  }
  if (news.owner !== currentOwner()) return;
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
    if (showStored(chat)) watchAnswerOfOtherTab(chat);
  });
}

/** Stores and shows what a page has kept that went. */
async function takeUnsaved(): Promise<void> {
  let taken: readonly UnsavedChats[] = [];
  await store(async (of) => {
    taken = await storeUnsaved(of, wasDeleted);
    for (const unsaved of taken) tellOfTaken(of, unsaved);
  });
  await showTaken(taken);
}

/** Shows what this tab has stored of a page that went. */
export async function showTaken(taken: readonly UnsavedChats[]): Promise<void> {
  for (const unsaved of taken) {
    for (const { id, at } of goneWith(unsaved)) forget(id, at);
    for (const { id } of unsaved.written) await takeFromStore(id);
  }
}

/** A third tab finds nothing left, and the page that went may have told it nothing. */
function tellOfTaken(owner: Owner, unsaved: UnsavedChats): void {
  for (const { id, at } of goneWith(unsaved)) {
    tellOtherTabs({ owner, kind: "deleted", chatId: id, at });
  }
  tellOtherTabs({ owner, kind: "stored", chatIds: unsaved.written.map(({ id }) => id) });
}

/** Without those that were begun anew. */
function goneWith({ removed, written }: UnsavedChats): UnsavedChats["removed"] {
  const isThereAgain = new Set(written.map(({ id }) => id));
  return removed.filter(({ id }) => !isThereAgain.has(id));
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
