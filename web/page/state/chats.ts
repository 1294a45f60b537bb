/**
 * The chats of whoever uses the page. What is shown is in `chats`; what is stored follows within
 * half a second. Where the browser stores nothing, they last as long as the page is open.
 */
import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { lookUpCosts, withAnswersStopped } from "./broken_answers.ts";
import {
  isRefusal,
  mergeChats,
  type Owner,
  readChat,
  readChats,
  removeAllChats,
  removeChat,
  removeRecords,
  writeChats,
} from "./chat_store.ts";
import {
  beginStreaming,
  endStreaming,
  isStreamedHere,
  onNewsOfOtherTabs,
  tellOtherTabs,
  untilNoTabStreams,
} from "./chat_tabs.ts";
import { createOwnership, mergedChat, newestFirst } from "./merge_chats.ts";
import { emptyChat } from "./conversation_history.ts";
import { go, hashOfChat, route } from "./route.ts";
import { stopAllAnswers, stopAnswerIn } from "./running_answers.ts";
import type { Chat } from "./types.ts";
import {
  adoptUnsaved,
  keepUnsaved,
  onUnsaved,
  storeUnsaved,
  type UnsavedChats,
} from "./unsaved_chats.ts";

/** Long enough to write once for many words of an answer, short enough to lose hardly any. */
const WRITE_AFTER_MS = 400;

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

/** False from when the browser refused to store a chat. */
export const chatsAreStored = signal(true);

/** Stored chats that cannot be read, by their keys; they are left out. */
export const damagedChats = signal<readonly IDBValidKey[]>([]);

let owner: Owner | null = null;
const ownership = createOwnership();
const unsaved = new Set<string>();
/** What is being stored and removed, and may not be yet. */
const underway = new Set<readonly Chat[]>();
const leaving = new Set<string>();
/** When chats were deleted, by their ids, as far as this tab knows. ISO 8601. */
const deletions = new Map<string, string>();
let timer: ReturnType<typeof setTimeout> | undefined;
let writing: Promise<void> = Promise.resolve();

effect(() => {
  if (route.value.page === "chat") openChatId.value = route.value.chatId;
});
onNewsOfOtherTabs(async (news) => {
  if (news.owner !== owner) return;
  // At once: what is written meanwhile would bring it back.
  if (news.kind === "deleted") forget(news.chatId);
  await takeUnsaved();
  if (news.kind === "deleted") return;
  for (const chatId of news.chatIds) await takeFromStore(chatId);
});
onUnsaved((of) => {
  if (of === owner) void takeUnsaved();
});
addEventListener("pagehide", keepChats);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") void saveChatsNow();
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

export async function deleteChat(id: string): Promise<void> {
  if (owner === null) return;
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

export function openChatById(id: string): void {
  go(hashOfChat(id));
}

/** Stores what has changed, merged with what other tabs have stored: as soon as an answer ends. */
export async function saveChatsNow(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  const changed = chats.value.filter(({ id }) => unsaved.has(id));
  unsaved.clear();
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
  const pending = new Set([...unsaved, ...[...underway].flat().map(({ id }) => id)]);
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
  if (next === owner) return;
  stopAllAnswers();
  await saveChatsNow();
  for (const { id } of chats.value) endStreaming(id);
  owner = next;
  chats.value = [];
  damagedChats.value = [];
  await store(async (of) => {
    await storeUnsaved(of, wasDeleted);
    const stored = await readChats(of);
    if (of !== owner) return;
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
  const before = owner;
  const adopted = chats.value;
  await saveChatsNow();
  owner = next;
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

/** Whether an answer is not whole yet, as far as is known. */
export function isStreaming(chat: Chat): boolean {
  return chat.messages.some(({ state }) => state === "streaming");
}

/** Reads a chat that another tab has stored. What this tab itself streams is newer here. */
async function takeFromStore(chatId: string): Promise<void> {
  if (isStreamedHere(chatId)) return;
  await store(async (of) => {
    const chat = await readChat(of, chatId);
    if (chat === undefined || of !== owner || isStreamedHere(chatId)) return;
    ownership.forget(chat);
    deletions.delete(chatId);
    chats.value = newestFirst([chat, ...chats.value.filter(({ id }) => id !== chatId)]);
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

/** One that was begun anew has its old id, and is younger. */
function wasDeleted({ id, createdAt }: Chat): boolean {
  return createdAt <= (deletions.get(id) ?? "");
}

const watched = new Set<string>();

/** Ends what no tab streams any more: after a reload, or when the tab that did was closed. */
async function watchAnswerOfOtherTab({ id, messages }: Chat): Promise<void> {
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

function findCosts(chatId: string): void {
  const of = owner;
  const chat = chats.value.find(({ id }) => id === chatId);
  // Guests have no receipts.
  if (of === "guest" || chat === undefined) return;
  void lookUpCosts(chat, (change) => of === owner && changeChat(chatId, change));
}

function forget(id: string): void {
  deletions.set(id, new Date().toISOString());
  stopAnswerIn(id);
  unsaved.delete(id);
  endStreaming(id);
  chats.value = chats.value.filter((chat) => chat.id !== id);
  if (openChatId.value === id) go("#/");
}

function replace(chat: Chat): void {
  chats.value = newestFirst(chats.value.map((one) => one.id === chat.id ? chat : one));
  markUnsaved(chat.id);
}

function markUnsaved(id: string): void {
  unsaved.add(id);
  timer ??= setTimeout(() => void saveChatsNow(), WRITE_AFTER_MS);
}

/** One after another, so that an old state never overwrites a newer one. */
function store(work: (of: Owner) => Promise<void>): Promise<void> {
  const of = owner;
  writing = writing.then(async () => {
    if (of === null || !chatsAreStored.value) return;
    try {
      await work(of);
    } catch (error) {
      if (isRefusal(error)) chatsAreStored.value = false;
      // A bug, in one chat perhaps: what comes after it is stored.
      else console.error(error);
    }
  });
  return writing;
}
