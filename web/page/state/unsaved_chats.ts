/**
 * What a page that goes has not seen stored, for the next page to store. It is kept in localStorage,
 * which is written at once: what waits in IndexedDB for another write is lost with the page.
 */
import { changeAtOnce, isRefusal, mergeChats, type Owner, removeChat } from "./chat_store.ts";
import { mergedChat } from "./merge_chats.ts";
import type { Removal } from "./removals.ts";
import { isChat } from "./stored_chat.ts";
import type { Chat } from "./types.ts";

export interface UnsavedChats {
  /** Chats that were deleted, before the others were written. */
  readonly removed: readonly Removal[];
  readonly written: readonly Chat[];
  /** Answers that the page had asked for, by their ids: it knows them best. */
  readonly asked: readonly string[];
  /** Messages that are no more, by their ids. */
  readonly takenBack: readonly string[];
}

const PREFIX = "farebox-unsaved-";
/** `farebox-unsaved-<owner>-<time>-<UUID>` */
const KEY = /^farebox-unsaved-(?<owner>.+)-\d{4}-\d\d-\d\dT[\d:.]+Z-[\da-f-]+$/;
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
    changeAtOnce(owner, unsaved.removed.map(({ id }) => id), unsaved.written).catch(() => {});
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

/** Calls `listen` when a page in another tab has kept something: that may be the last heard of it. */
export function onUnsaved(listen: (owner: Owner) => void): void {
  addEventListener("storage", ({ key, newValue }) => {
    const owner = newValue === null ? undefined : KEY.exec(key ?? "")?.groups?.["owner"];
    if (owner !== undefined) listen(owner);
  });
}

/**
 * Stores what pages have kept that went, the oldest first. What cannot be read is forgotten.
 * @param isDeleted what was deleted since, and does not return.
 * @returns what was stored; nothing of it where another tab was first.
 */
export async function storeUnsaved(
  owner: Owner,
  isDeleted: (chat: Chat) => boolean,
): Promise<readonly UnsavedChats[]> {
  const stored: UnsavedChats[] = [];
  for (const key of keysOf(owner)) {
    try {
      // Two tabs that store the same at different times would undo what was done in between.
      await oneTabAtATime(owner, async () => {
        const unsaved = parsed(localStorage.getItem(key) ?? "");
        if (unsaved !== null) {
          const written = unsaved.written.filter((chat) => !isDeleted(chat));
          await store(owner, { ...unsaved, written });
          stored.push({ ...unsaved, written });
        }
        localStorage.removeItem(key);
      });
    } catch (error) {
      // Where there is no room for it the others are shown all the same, and it is kept.
      if (!isRefusal(error)) console.error(error);
    }
  }
  return stored;
}

async function store(owner: Owner, unsaved: UnsavedChats): Promise<void> {
  for (const removal of unsaved.removed) await removeChat(owner, removal);
  const own = { asked: new Set(unsaved.asked), removed: new Set(unsaved.takenBack) };
  await mergeChats(owner, unsaved.written, (mine, stored) => mergedChat(mine, stored, own));
}

/** No locks on plain http away from localhost: then tabs go by luck. */
async function oneTabAtATime(owner: Owner, work: () => Promise<void>): Promise<void> {
  if (navigator.locks === undefined) await work();
  else await navigator.locks.request(`${PREFIX}${owner}`, work);
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
    const isRight = [asked, takenBack].every(areTexts) && Array.isArray(removed) &&
      removed.every(isRemoval) && Array.isArray(written) && written.every(isChat);
    return isRight ? { removed, written, asked, takenBack } : null;
  } catch {
    return null;
  }
}

function isRemoval(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "id" in value && "at" in value && areTexts([value.id, value.at]);
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
