/**
 * Stores the chats of whoever uses the page: what is shown is stored within half a second. Where the
 * browser stores nothing, they last as long as the page is open.
 */
import { effect, signal } from "@preact/signals";
import { mergeChats, type Owner, readChats, removeAllChats, removeRecords } from "./chat_store.ts";
import { endStreaming, tellOtherTabs } from "./chat_tabs.ts";
import { findCosts, showTaken, watchAnswerOfOtherTab } from "./chats_of_tabs.ts";
import { mergedChat, newestFirst } from "./merge_chats.ts";
import { removalsUnderway, removeInTurn } from "./removals.ts";
import { stopAllAnswers } from "./running_answers.ts";
import { chats, forget, ownership, unsavedIds, wasDeleted } from "./shown_chats.ts";
import { changeOwner, chatsAreStored, currentOwner, inTurn, store } from "./store_queue.ts";
import type { Chat } from "./types.ts";
import { adoptUnsaved, keepUnsaved, storeUnsaved, type UnsavedChats } from "./unsaved_chats.ts";

/** Long enough to write once for many words of an answer, short enough to lose hardly any. */
const WRITE_AFTER_MS = 400;

/** Stored chats that cannot be read, by their keys; they are left out. */
export const damagedChats = signal<readonly IDBValidKey[]>([]);

/** What is being stored, and may not be yet. */
const underway = new Set<readonly Chat[]>();
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  if (unsavedIds.value.size > 0) timer ??= setTimeout(() => void saveChatsNow(), WRITE_AFTER_MS);
});
addEventListener("pagehide", keepChats);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") void saveChatsNow();
});

export async function deleteChat(id: string): Promise<void> {
  const owner = currentOwner();
  const chat = chats.value.find((one) => one.id === id);
  if (owner === null || chat === undefined) return;
  // Whatever the clock says, it is deleted after it was begun.
  const at = [new Date().toISOString(), chat.createdAt].toSorted().at(-1)!;
  forget(id, at);
  let taken: readonly UnsavedChats[] = [];
  await removeInTurn({ id, at }, async (of) => {
    // What a page has left of it would bring it back later.
    taken = await storeUnsaved(of, wasDeleted);
  });
  tellOtherTabs({ owner, kind: "deleted", chatId: id, at });
  await showTaken(taken);
}

/** Gives up on the stored chats that cannot be read. */
export async function removeDamagedChats(): Promise<void> {
  const keys = damagedChats.value;
  damagedChats.value = [];
  await inTurn((of) => removeRecords(of, keys));
}

/** Stores what has changed, merged with what other tabs have stored: as soon as an answer ends. */
export async function saveChatsNow(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  const ids = unsavedIds.peek();
  const changed = chats.value.filter(({ id }) => ids.has(id));
  unsavedIds.value = new Set();
  underway.add(changed);
  await store((of) => storeMerged(of, changed));
  underway.delete(changed);
  // Others may write again once they can read the end of it, and this tab asks nothing new there.
  const asking = new Set([...changed, ...chats.value].filter(ownership.isStreaming).map(idOf));
  for (const { id } of changed) if (!asking.has(id)) endStreaming(id);
}

/** Merges them with what other tabs have stored of them, and tells those. */
async function storeMerged(of: Owner, changed: readonly Chat[]): Promise<void> {
  const merge = (mine: Chat, stored: Chat | undefined) => mergedChat(mine, stored, ownership);
  const there = changed.filter((chat) => !wasDeleted(chat));
  for (const written of await mergeChats(of, there, merge)) {
    // It may have grown meanwhile.
    chats.value = chats.value.map((one) => one.id === written.id ? merge(one, written) : one);
    if (!ownership.isStreaming(written)) watchAnswerOfOtherTab(written);
  }
  if (there.length > 0) tellOtherTabs({ owner: of, kind: "stored", chatIds: there.map(idOf) });
}

/** Shows what is stored beside what is shown, which is the newer one. */
async function showAllStored(of: Owner): Promise<void> {
  const stored = await readChats(of);
  if (of !== currentOwner()) return;
  damagedChats.value = stored.damaged;
  const shown = new Set(chats.value.map(idOf));
  const added = stored.chats.filter((chat) => !shown.has(chat.id) && !wasDeleted(chat));
  chats.value = newestFirst([...chats.value, ...added]);
  for (const chat of added) {
    findCosts(chat.id);
    watchAnswerOfOtherTab(chat);
  }
}

const idOf = ({ id }: Chat) => id;

/** Keeps what no write has been seen to store, for a page that goes. */
function keepChats(): void {
  const owner = currentOwner();
  const pending = new Set([...unsavedIds.peek(), ...[...underway].flat().map(idOf)]);
  const written = chatsAreStored.value ? chats.value.filter(({ id }) => pending.has(id)) : [];
  const removed = removalsUnderway();
  if (owner === null || written.length + removed.length === 0) return;
  keepUnsaved(owner, {
    removed,
    written,
    asked: [...ownership.asked],
    takenBack: [...ownership.removed],
  });
  for (const { id, at } of removed) tellOtherTabs({ owner, kind: "deleted", chatId: id, at });
  tellOtherTabs({ owner, kind: "stored", chatIds: written.map(idOf) });
}

/** Shows the stored chats of `next`, and nobody's where it is null. */
export async function showChatsOf(next: Owner | null): Promise<void> {
  if (next === currentOwner()) return;
  stopAllAnswers();
  await saveChatsNow();
  for (const { id } of chats.value) endStreaming(id);
  changeOwner(next);
  chats.value = [];
  damagedChats.value = [];
  await store(async (of) => {
    await storeUnsaved(of, wasDeleted);
    await showAllStored(of);
  });
}

/** A guest became a user: the chats that are shown go with them, and the open one stays open. */
export async function adoptChats(next: Owner): Promise<void> {
  const before = currentOwner();
  await saveChatsNow();
  const adopted = chats.value;
  changeOwner(next);
  underway.add(adopted);
  if (before !== null) adoptUnsaved(before, next);
  await store(async (of) => {
    await storeUnsaved(of, wasDeleted);
    // Another tab may have taken them there before this one, and gone on.
    await storeMerged(of, adopted);
    await showAllStored(of);
  });
  // The next guest is another, also where they could not be stored elsewhere.
  if (before !== null) await inTurn(() => removeAllChats(before));
  underway.delete(adopted);
}
