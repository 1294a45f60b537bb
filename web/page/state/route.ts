/** Where the page is, kept in the address's hash: `#/`, `#/chat/<id>`, `#/usage`. */
import { signal } from "@preact/signals";

export type Route =
  /** `chatId` null: a chat that has yet to begin. */
  | { readonly page: "chat"; readonly chatId: string | null }
  | { readonly page: "usage" };

export const route = signal<Route>(routeOf(location.hash));

addEventListener("hashchange", () => show(location.hash));

/** Goes to `#/…` and adds it to the browser's history, unless the page is there already. */
export function go(hash: string): void {
  if (location.hash !== hash) history.pushState(null, "", hash);
  show(hash);
}

export function hashOfChat(chatId: string): string {
  return `#/chat/${chatId}`;
}

/** @param hash anything; what is not known is a new chat. */
export function routeOf(hash: string): Route {
  if (hash === "#/usage") return { page: "usage" };
  const chatId = /^#\/chat\/([\w-]{1,128})$/.exec(hash)?.[1];
  return { page: "chat", chatId: chatId ?? null };
}

function show(hash: string): void {
  const next = routeOf(hash);
  if (JSON.stringify(next) !== JSON.stringify(route.value)) route.value = next;
}
