/**
 * What a page that goes has not seen stored, for the next page to store. It is kept in localStorage,
 * which is written at once: what waits in IndexedDB for another write is lost with the page.
 */
import { changeAtOnce, isRefusal, mergeChats, type Owner, removeChat } from "./chat_store.ts";
import { mergedChat } from "./merge_chats.ts";
import { isChat } from "./stored_chat.ts";
import type { Chat } from "./types.ts";

export interface UnsavedChats {
  /** Chats that were deleted, by their ids: before the others were written. */
  readonly removed: readonly string[];
  readonly written: readonly Chat[];
  /** Answers that the page had asked for, by their ids: it knows them best. */
  readonly asked: readonly string[];
  /** Messages that are no more, by their ids. */
  readonly takenBack: readonly string[];
}

const PREFIX = "farebox-unsaved-";
/** What this page has kept. */
const kept = new Set<string>();

// The page came back, from the browser's cache, and stores all of it itself.
addEventListener("pageshow", () => {
  for (const key of kept) localStorage.removeItem(key);
  kept.clear();
});

/** For a page that goes. */
export function keepUnsaved(owner: Owner, unsaved: UnsavedChats): void {
  const key = `${prefixOf(owner)}${new Date().toISOString()}-${crypto.randomUUID()}`;
  try {
    localStorage.setItem(key, JSON.stringify(unsaved));
    kept.add(key);
  } catch {
    // Refused, or full. Nobody is left to be told where this is refused too.
    changeAtOnce(owner, unsaved.removed, unsaved.written).catch(() => {});
  }
}

/** A guest became a user: what pages have kept goes with them. */
export function adoptUnsaved(from: Owner, to: Owner): void {
  for (const key of keysOf(from)) {
    const text = localStorage.getItem(key) ?? "";
    localStorage.removeItem(key);
    try {
      localStorage.setItem(prefixOf(to) + key.slice(prefixOf(from).length), text);
    } catch {
      // No room for a longer key: better lost than the next guest's.
    }
  }
}

/** Stores what pages have kept that went, the oldest first. What cannot be read is forgotten. */
export async function storeUnsaved(owner: Owner): Promise<void> {
  for (const key of keysOf(owner)) {
    try {
      const unsaved = parsed(localStorage.getItem(key) ?? "");
      if (unsaved !== null) await store(owner, unsaved);
      localStorage.removeItem(key);
    } catch (error) {
      // Where there is no room for it the others are shown all the same, and it is kept.
      if (!isRefusal(error)) console.error(error);
    }
  }
}

async function store(owner: Owner, unsaved: UnsavedChats): Promise<void> {
  for (const id of unsaved.removed) await removeChat(owner, id);
  const own = { asked: new Set(unsaved.asked), removed: new Set(unsaved.takenBack) };
  await mergeChats(owner, unsaved.written, (mine, stored) => mergedChat(mine, stored, own));
}

function keysOf(owner: Owner): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefixOf(owner))).sort();
  } catch {
    return [];
  }
}

function prefixOf(owner: Owner): string {
  return `${PREFIX}${owner}-`;
}

function parsed(text: string): UnsavedChats | null {
  try {
    const { removed, written, asked, takenBack } = JSON.parse(text);
    const isRight = [removed, asked, takenBack].every(areTexts) && Array.isArray(written) &&
      written.every(isChat);
    return isRight ? { removed, written, asked, takenBack } : null;
  } catch {
    return null;
  }
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
