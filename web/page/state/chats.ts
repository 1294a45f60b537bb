/**
 * Stores the chats of whoever uses the page: what is shown is stored within half a second. Where the
 * browser stores nothing, they last as long as the page is open.
 */
import { effect, signal } from "@preact/signals";
import {
  mergeChats,
  type Owner,
  readChats,
  removeAllChats,
  removeChat,
  removeRecords,
  writeChats,
} from "./chat_store.ts";
import { endStreaming, tellOtherTabs } from "./chat_tabs.ts";
import { findCosts, watchAnswerOfOtherTab } from "./chats_of_tabs.ts";
import { mergedChat, newestFirst } from "./merge_chats.ts";
import { stopAllAnswers } from "./running_answers.ts";
import { chats, forget, ownership, unsavedIds, wasDeleted } from "./shown_chats.ts";
import { changeOwner, chatsAreStored, currentOwner, store } from "./store_queue.ts";
import type { Chat } from "./types.ts";
import { adoptUnsaved, keepUnsaved, storeUnsaved } from "./unsaved_chats.ts";

/** Long enough to write once for many words of an answer, short enough to lose hardly any. */
const WRITE_AFTER_MS = 400;

/** Stored chats that cannot be read, by their keys; they are left out. */
export const damagedChats = signal<readonly IDBValidKey[]>([]);

/** What is being stored and removed, and may not be yet. */
const underway = new Set<readonly Chat[]>();
const leaving = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  if (unsavedIds.value.size > 0) timer ??= setTimeout(() => void saveChatsNow(), WRITE_AFTER_MS);
});
addEventListener("pagehide", keepChats);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") void saveChatsNow();
});

export async function deleteChat(id: string): Promise<void> {
  if (currentOwner() === null) return;
  forget(id);
  leaving.add(id);
  await store(async (of) => {
    // What a page has left of it would bring it back later.
    await storeUnsaved(of, wasDeleted);
    await removeChat(of, id);
    tellOtherTabs({ owner: of, kind: "deleted", chatId: id });
  });
  leaving.delete(id);
}

/** Gives up on the stored chats that cannot be read. */
export async function removeDamagedChats(): Promise<void> {
  const keys = damagedChats.value;
  damagedChats.value = [];
  await store((of) => removeRecords(of, keys));
}

/** Stores what has changed, merged with what other tabs have stored: as soon as an answer ends. */
export async function saveChatsNow(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  const ids = unsavedIds.peek();
  const changed = chats.value.filter(({ id }) => ids.has(id));
  unsavedIds.value = new Set();
  underway.add(changed);
  const merge = (mine: Chat, stored: Chat | undefined) => mergedChat(mine, stored, ownership);
  await store(async (of) => {
    for (const written of await mergeChats(of, changed, merge)) {
      // It may have grown meanwhile.
      chats.value = chats.value.map((one) => one.id === written.id ? merge(one, written) : one);
      if (!ownership.isStreaming(written)) watchAnswerOfOtherTab(written);
    }
    if (changed.length > 0) {
      tellOtherTabs({ owner: of, kind: "stored", chatIds: changed.map(({ id }) => id) });
    }
  });
  underway.delete(changed);
  // Others may write again once they can read the end of it.
  for (const chat of changed) if (!ownership.isStreaming(chat)) endStreaming(chat.id);
}

/** Keeps what no write has been seen to store, for a page that goes. */
function keepChats(): void {
  const owner = currentOwner();
  const pending = new Set([...unsavedIds.peek(), ...[...underway].flat().map(({ id }) => id)]);
  const written = chats.value.filter(({ id }) => pending.has(id));
  if (owner === null || !chatsAreStored.value || written.length + leaving.size === 0) return;
  keepUnsaved(owner, {
    removed: [...leaving],
    written,
    asked: [...ownership.asked],
    takenBack: [...ownership.removed],
  });
  for (const chatId of leaving) tellOtherTabs({ owner, kind: "deleted", chatId });
  tellOtherTabs({ owner, kind: "stored", chatIds: written.map(({ id }) => id) });
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
    const stored = await readChats(of);
    if (of !== currentOwner()) return;
    damagedChats.value = stored.damaged;
    chats.value = newestFirst([...chats.value, ...stored.chats]);
    for (const chat of stored.chats) {
      findCosts(chat.id);
      watchAnswerOfOtherTab(chat);
    }
  });
}

/** A guest became a user: the chats that are shown go with them, and the open one stays open. */
export async function adoptChats(next: Owner): Promise<void> {
  const before = currentOwner();
  const adopted = chats.value;
  await saveChatsNow();
  changeOwner(next);
  underway.add(adopted);
  if (before !== null) adoptUnsaved(before, next);
  await store(async (of) => {
    await storeUnsaved(of, wasDeleted);
    await writeChats(of, adopted);
    if (before !== null) await removeAllChats(before);
    const stored = await readChats(of);
    // What is shown is the newer one: an answer may be coming.
    const shown = new Set(chats.value.map(({ id }) => id));
    chats.value = newestFirst([...chats.value, ...stored.chats.filter(({ id }) => !shown.has(id))]);
    tellOtherTabs({ owner: of, kind: "stored", chatIds: adopted.map(({ id }) => id) });
  });
  underway.delete(adopted);
}
