/** Chats, usage, balance and account. In a narrow window a drawer that "Menu" opens. */
import { useEffect, useRef } from "preact/hooks";
import { closeDrawer, isDrawerOpen, isNarrow } from "../state/drawer.ts";
import { dialog } from "../state/dialogs.ts";
import { go, route } from "../state/route.ts";
import { services } from "../state/services.ts";
import { signOut, visitor } from "../state/session.ts";
import { ChatList } from "./chat_list.tsx";
import { CloseIcon, Mark, PlusIcon, UsageIcon } from "./icons.tsx";
import { ThemeToggle } from "./theme_toggle.tsx";

export function Sidebar() {
  const element = useRef<HTMLElement>(null);
  const isOpen = isDrawerOpen.value;
  useEffect(() => {
    if (!isOpen) return;
    element.current?.querySelector<HTMLElement>("button")?.focus();
    return () => {
      // Unless a dialog was opened from here, or something else has the focus by now.
      const isLost = document.activeElement === document.body ||
        element.current?.contains(document.activeElement);
      if (isLost) document.querySelector<HTMLElement>("[aria-controls=sidebar]")?.focus();
    };
  }, [isOpen]);
  return (
    <aside
      ref={element}
      id="sidebar"
      class={isOpen ? "sidebar open" : "sidebar"}
      aria-label="Chats and account"
      inert={isNarrow.value && !isOpen}
    >
      <div class="sidebar-head">
        <a class="brand" href="#/">
          <Mark />
          {services().settings.name ?? "Farebox"}
        </a>
        {isNarrow.value
          ? (
            <button
              type="button"
              class="icon-button"
              aria-label="Close menu"
              onClick={closeDrawer}
            >
              <CloseIcon />
            </button>
          )
          : <ThemeToggle />}
      </div>
      <nav class="sidebar-chats" aria-label="Chats">
        <button type="button" class="button wide new-chat" onClick={startNewChat}>
          <PlusIcon /> New chat
        </button>
        <div class="chat-lists">
          <ChatList />
        </div>
      </nav>
      <div class="sidebar-foot">
        {visitor.value.kind === "user" && <UsageLink />}
        <farebox-balance />
        <Account />
      </div>
    </aside>
  );
}

function UsageLink() {
  const isHere = route.value.page === "usage";
  return (
    <a class="side-link" href="#/usage" {...(isHere ? { "aria-current": "page" } : {})}>
      <UsageIcon /> Usage
    </a>
  );
}

function Account() {
  const who = visitor.value;
  return (
    <div class="account">
      {who.kind === "user"
        ? (
          <>
            <span class="account-name" title={who.email}>{who.email}</span>
            <button type="button" class="button quiet" onClick={() => void signOut()}>
              Sign out
            </button>
          </>
        )
        : (
          <>
            <button
              type="button"
              class="button primary"
              onClick={() => dialog.value = { kind: "sign-up" }}
            >
              Sign up
            </button>
            <button
              type="button"
              class="button"
              onClick={() => dialog.value = { kind: "sign-in" }}
            >
              Sign in
            </button>
          </>
        )}
      {isNarrow.value && <ThemeToggle />}
    </div>
  );
}

function startNewChat(): void {
  go("#/");
  closeDrawer();
}
