/**
 * Tabs of one browser show the same chats: each tells the others what it stored. The tab that
 * streams an answer holds a lock named after its chat, so that another tab knows whether an answer
 * that is not whole still comes, or whether its tab is gone.
 */
import type { Owner } from "./chat_store.ts";

export type ChatNews =
  | { readonly owner: Owner; readonly kind: "stored"; readonly chatIds: readonly string[] }
  /** `at`: when, ISO 8601. A chat of that id that was begun later is another. */
  | {
    readonly owner: Owner;
    readonly kind: "deleted";
    readonly chatId: string;
    readonly at: string;
  };

const channel = typeof BroadcastChannel === "undefined"
  ? null
  : new BroadcastChannel("farebox-chats");
const releases = new Map<string, () => void>();

export function tellOtherTabs(news: ChatNews): void {
  channel?.postMessage(news);
}

export function onNewsOfOtherTabs(listen: (news: ChatNews) => void): void {
  channel?.addEventListener("message", (event: MessageEvent<ChatNews>) => listen(event.data));
}

/** Whether this tab streams an answer of the chat. */
export function isStreamedHere(chatId: string): boolean {
  return releases.has(chatId);
}

/** From now on this tab writes the chat; others only read it. */
export function beginStreaming(chatId: string): void {
  if (releases.has(chatId)) return;
  const ended = Promise.withResolvers<void>();
  releases.set(chatId, ended.resolve);
  // No locks on plain http away from localhost: then other tabs take the answer for a broken one.
  navigator.locks?.request(lockOf(chatId), () => ended.promise);
}

export function endStreaming(chatId: string): void {
  releases.get(chatId)?.();
  releases.delete(chatId);
}

/** Resolves when no tab streams an answer of this chat: at once, or when its tab ends or closes. */
export async function untilNoTabStreams(chatId: string): Promise<void> {
  await navigator.locks?.request(lockOf(chatId), { mode: "shared" }, () => {});
}

function lockOf(chatId: string): string {
  return `farebox-chat-${chatId}`;
}
