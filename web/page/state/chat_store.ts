/**
 * Chats in IndexedDB: one database for each owner, one record for each chat. A guest's chats and
 * each user's lie apart, so that signing in never shows another's.
 */
import {
  clear,
  createStore,
  delMany,
  entries,
  get,
  promisifyRequest,
  update,
  type UseStore,
} from "idb-keyval";
import { isChat } from "./stored_chat.ts";
import type { Chat } from "./types.ts";

/** `guest`, or a user's id. */
export type Owner = string;

const GONE = new Error("IndexedDB is not to be had");
/** What IndexedDB throws at those who use it wrongly. */
const BUGS = ["DataCloneError", "DataError"];
const stores = new Map<Owner, UseStore>();

export interface StoredChats {
  readonly chats: readonly Chat[];
  /** Keys of records that are no chats. They stay until they are removed. */
  readonly damaged: readonly IDBValidKey[];
}

/** Whether the browser lets nothing be stored. Anything else that is thrown here is a bug. */
export function isRefusal(error: unknown): boolean {
  if (error === GONE) return true;
  return error instanceof DOMException && !BUGS.includes(error.name);
}

/** @throws where the browser refuses IndexedDB (private windows of some). */
export async function readChats(owner: Owner): Promise<StoredChats> {
  const chats: Chat[] = [];
  const damaged: IDBValidKey[] = [];
  for (const [key, value] of await entries<IDBValidKey, unknown>(storeOf(owner))) {
    if (isChat(value)) chats.push(value);
    else damaged.push(key);
  }
  return { chats, damaged };
}

export async function readChat(owner: Owner, chatId: string): Promise<Chat | undefined> {
  const value: unknown = await get(chatId, storeOf(owner));
  return isChat(value) ? value : undefined;
}

export async function removeRecords(owner: Owner, keys: readonly IDBValidKey[]): Promise<void> {
  await delMany([...keys], storeOf(owner));
}

/**
 * For a page that goes: all of it is handed over at once, and none of it waits for the page. It reads
 * nothing either, and so can overwrite what another tab has written in that moment.
 */
export async function changeAtOnce(
  owner: Owner,
  removed: readonly string[],
  written: readonly Chat[],
): Promise<void> {
  await storeOf(owner)("readwrite", (store) => {
    for (const id of removed) store.delete(id);
    // A chat that is begun anew has its old id.
    for (const chat of written) store.put(chat, chat.id);
    store.transaction.commit();
    return promisifyRequest(store.transaction);
  });
}

/**
 * Writes chats that another tab may have written meanwhile: `merge` gets what is stored of each.
 * @returns them as they are stored now.
 */
export async function mergeChats(
  owner: Owner,
  chats: readonly Chat[],
  merge: (mine: Chat, stored: Chat | undefined) => Chat,
): Promise<readonly Chat[]> {
  const written: Chat[] = [];
  for (const chat of chats) {
    await update<unknown>(chat.id, (stored) => {
      const merged = merge(chat, isChat(stored) ? stored : undefined);
      written.push(merged);
      return merged;
    }, storeOf(owner));
  }
  return written;
}

/** Removes a chat that was deleted `at` this time, ISO 8601; one that was begun later with its id stays. */
export async function removeChat(
  owner: Owner,
  { id, at }: { readonly id: string; readonly at: string },
): Promise<void> {
  await storeOf(owner)("readwrite", (store) => {
    const reading = store.get(id);
    reading.onsuccess = () => {
      const stored: unknown = reading.result;
      if (!isChat(stored) || stored.createdAt <= at) store.delete(id);
    };
    return promisifyRequest(store.transaction);
  });
}

export async function removeAllChats(owner: Owner): Promise<void> {
  await clear(storeOf(owner));
}

function storeOf(owner: Owner): UseStore {
  if (typeof indexedDB === "undefined") throw GONE;
  let store = stores.get(owner);
  if (store === undefined) {
    store = createStore(`farebox-chats-${owner}`, "chats");
    stores.set(owner, store);
  }
  return store;
}
