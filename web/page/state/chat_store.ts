/**
 * Chats in IndexedDB: one database for each owner, one record for each chat. A guest's chats and
 * each user's lie apart, so that signing in never shows another's.
 */
import { clear, createStore, del, entries, get, setMany, type UseStore } from "idb-keyval";
import type { Chat } from "./types.ts";

/** `guest`, or a user's id. */
export type Owner = string;

const GONE = new Error("IndexedDB is not to be had");
const stores = new Map<Owner, UseStore>();

/** @throws where the browser refuses IndexedDB (private windows of some). */
export async function readChats(owner: Owner): Promise<Chat[]> {
  const all = await entries<string, Chat>(storeOf(owner));
  return all.map(([, chat]) => chat);
}

export async function readChat(owner: Owner, chatId: string): Promise<Chat | undefined> {
  return await get<Chat>(chatId, storeOf(owner));
}

export async function writeChats(owner: Owner, chats: readonly Chat[]): Promise<void> {
  if (chats.length > 0) await setMany(chats.map((chat) => [chat.id, chat]), storeOf(owner));
}

export async function removeChat(owner: Owner, chatId: string): Promise<void> {
  await del(chatId, storeOf(owner));
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
