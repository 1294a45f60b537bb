/** The chats of the sidebar, today's first. */
import { chats, openChatId } from "../state/shown_chats.ts";
import { dialog } from "../state/dialogs.ts";
import { hashOfChat, route } from "../state/route.ts";
import type { Chat } from "../state/types.ts";
import { TrashIcon } from "./icons.tsx";

export function ChatList() {
  const today = new Date().toDateString();
  const isOfToday = ({ updatedAt }: Chat) => new Date(updatedAt).toDateString() === today;
  if (chats.value.length === 0) return <p class="empty">Your chats will be listed here.</p>;
  return (
    <>
      <Group name="Today" list={chats.value.filter(isOfToday)} />
      <Group name="Earlier" list={chats.value.filter((chat) => !isOfToday(chat))} />
    </>
  );
}

function Group({ name, list }: { readonly name: string; readonly list: readonly Chat[] }) {
  if (list.length === 0) return null;
  return (
    <section class="chat-group">
      <h2>{name}</h2>
      <ul>{list.map((chat) => <Entry key={chat.id} chat={chat} />)}</ul>
    </section>
  );
}

function Entry({ chat }: { readonly chat: Chat }) {
  const isOpen = route.value.page === "chat" && openChatId.value === chat.id;
  return (
    <li class="chat-entry">
      <a href={hashOfChat(chat.id)} {...(isOpen ? { "aria-current": "page" } : {})}>
        {chat.title}
      </a>
      <button
        type="button"
        class="icon-button"
        aria-label={`Delete chat ${chat.title}`}
        onClick={() => dialog.value = { kind: "delete-chat", chatId: chat.id }}
      >
        <TrashIcon />
      </button>
    </li>
  );
}
