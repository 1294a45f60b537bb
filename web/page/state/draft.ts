/**
 * What is being typed, kept for each person and chat until it is sent. It outlives a reload and a
 * sign-in: in sessionStorage, so that two tabs do not overwrite each other. A tab may have been
 * elsewhere while one person left and another came: a draft's key names its owner.
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { tabStorage } from "./browser_storage.ts";
import { openChat } from "./shown_chats.ts";
import { visitor } from "./session.ts";

const PREFIX = "farebox-draft-";
/** The draft of a chat that has yet to begin. */
const NEW = "new";
/** A long paste is not stored anew for each key. */
const STORE_AFTER_MS = 300;

/** `guest`, or a user's id; null: nobody types. */
const owner = signal<string | null>(null);
/** The owner's, by key. */
const drafts = new Map<string, Signal<string>>();
const unsaved = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** The open chat's. */
export const draft: ReadonlySignal<string> = computed(() =>
  owner.value === null ? "" : draftOf(owner.value, openChat.value?.id ?? null).value
);

addEventListener("pagehide", storeNow);
effect(() => {
  const who = visitor.value;
  if (who.kind === "loading") return;
  const next = who.kind === "user" ? who.id : who.kind === "guest" ? "guest" : null;
  const before = owner.peek();
  if (next === before) return;
  storeNow();
  // A guest who signs up goes on typing; whoever is another finds nothing.
  if (before === "guest" && next !== null) rename(before, next);
  // After a load nobody is here where the session has ended: they may sign in again.
  if (before !== null || next !== null) forgetOthers(next);
  batch(() => {
    owner.value = next;
    drafts.clear();
  });
});

/** @param chatId null: a chat that has yet to begin. */
export function readDraft(chatId: string | null): string {
  const of = owner.peek();
  return of === null ? "" : draftOf(of, chatId).peek();
}

/** @param chatId null: a chat that has yet to begin. */
export function writeDraft(chatId: string | null, text: string): void {
  const of = owner.peek();
  if (of === null) return;
  draftOf(of, chatId).value = text;
  unsaved.add(keyOf(of, chatId));
  clearTimeout(timer);
  timer = setTimeout(storeNow, STORE_AFTER_MS);
}

function keyOf(of: string, chatId: string | null): string {
  return `${prefixOf(of)}${chatId ?? NEW}`;
}

function prefixOf(of: string): string {
  return `${PREFIX}${of}-`;
}

function draftOf(of: string, chatId: string | null): Signal<string> {
  const key = keyOf(of, chatId);
  let found = drafts.get(key);
  if (found === undefined) {
    found = signal(tabStorage.getItem(key) ?? "");
    drafts.set(key, found);
  }
  return found;
}

function storeNow(): void {
  clearTimeout(timer);
  for (const key of unsaved) {
    const text = drafts.get(key)?.peek() ?? "";
    if (text === "") tabStorage.removeItem(key);
    else tabStorage.setItem(key, text);
  }
  unsaved.clear();
}

function rename(from: string, to: string): void {
  for (const key of tabStorage.keys()) {
    if (!key.startsWith(prefixOf(from))) continue;
    const text = tabStorage.getItem(key) ?? "";
    tabStorage.setItem(prefixOf(to) + key.slice(prefixOf(from).length), text);
  }
}

function forgetOthers(next: string | null): void {
  for (const key of tabStorage.keys()) {
    const isTheirs = next !== null && key.startsWith(prefixOf(next));
    if (key.startsWith(PREFIX) && !isTheirs) tabStorage.removeItem(key);
  }
}
