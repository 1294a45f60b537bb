/**
 * What is being typed, kept for each chat until it is sent. It outlives a reload and a sign-in: in
 * sessionStorage, so that two tabs do not overwrite each other.
 */
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { openChat } from "./chats.ts";
import { visitor } from "./session.ts";

const KEY = "farebox-draft-";
/** The draft of a chat that has yet to begin. */
const NEW = "new";
/** A long paste is not stored anew for each key. */
const STORE_AFTER_MS = 300;

const drafts = new Map<string, Signal<string>>();
const unsaved = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** The open chat's. */
export const draft: ReadonlySignal<string> = computed(() =>
  draftOf(openChat.value?.id ?? null).value
);

addEventListener("pagehide", storeNow);
let userId: string | null = null;
effect(() => {
  const who = visitor.value;
  const next = who.kind === "user" ? who.id : null;
  // A guest who signs up goes on typing; whoever leaves, or is another, finds nothing.
  if (who.kind !== "loading" && userId !== null && next !== userId) forgetDrafts();
  if (who.kind !== "loading") userId = next;
});

/** @param chatId null: a chat that has yet to begin. */
export function readDraft(chatId: string | null): string {
  return draftOf(chatId).peek();
}

/** @param chatId null: a chat that has yet to begin. */
export function writeDraft(chatId: string | null, text: string): void {
  draftOf(chatId).value = text;
  unsaved.add(chatId ?? NEW);
  clearTimeout(timer);
  timer = setTimeout(storeNow, STORE_AFTER_MS);
}

function draftOf(chatId: string | null): Signal<string> {
  const key = chatId ?? NEW;
  let found = drafts.get(key);
  if (found === undefined) {
    found = signal(sessionStorage.getItem(KEY + key) ?? "");
    drafts.set(key, found);
  }
  return found;
}

function storeNow(): void {
  clearTimeout(timer);
  for (const key of unsaved) {
    const text = drafts.get(key)?.peek() ?? "";
    try {
      if (text === "") sessionStorage.removeItem(KEY + key);
      else sessionStorage.setItem(KEY + key, text);
    } catch {
      // The storage is full: the draft lasts as long as the page.
    }
  }
  unsaved.clear();
}

function forgetDrafts(): void {
  clearTimeout(timer);
  unsaved.clear();
  for (const text of drafts.values()) text.value = "";
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(KEY)) sessionStorage.removeItem(key);
  }
}
