/** What is open, and what it has cost. */
import { openChat } from "../state/shown_chats.ts";
import { isDrawerOpen, isNarrow, openDrawer } from "../state/drawer.ts";
import { route } from "../state/route.ts";
import { visitor } from "../state/session.ts";
import { MenuIcon } from "./icons.tsx";

export function TopBar() {
  return (
    <header class="bar">
      {isNarrow.value && (
        <button
          type="button"
          class="icon-button"
          aria-label="Menu"
          aria-expanded={isDrawerOpen.value}
          aria-controls="sidebar"
          onClick={openDrawer}
        >
          <MenuIcon />
        </button>
      )}
      {route.value.page === "usage" ? <h1>Usage</h1> : <ChatTitle />}
    </header>
  );
}

function ChatTitle() {
  const chat = openChat.value;
  if (chat === null) return <h1>New chat</h1>;
  const costs = visitor.value.kind === "user" && chat.messages.some(({ cost }) => cost !== null);
  return (
    <>
      <h1>{chat.title}</h1>
      {costs && <farebox-chat-cost key={chat.id} chat-id={chat.id} />}
    </>
  );
}
