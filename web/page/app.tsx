/** What is shown, by who is here and where they are. */
import { closeDrawer, isDrawerOpen } from "./state/drawer.ts";
import { route } from "./state/route.ts";
import { visitor } from "./state/session.ts";
import { ChatView } from "./ui/chat_view.tsx";
import { OpenDialog } from "./ui/open_dialog.tsx";
import { Sidebar } from "./ui/sidebar.tsx";
import { StartScreen } from "./ui/start_screen.tsx";
import { StorageNotice } from "./ui/storage_notice.tsx";
import { TopBar } from "./ui/top_bar.tsx";
import { UsagePage } from "./ui/usage_page.tsx";

export function App() {
  switch (visitor.value.kind) {
    case "loading":
      return <p class="loading" role="status">Loading…</p>;
    case "none":
      return (
        <>
          <StartScreen />
          <OpenDialog />
        </>
      );
    case "guest":
    case "user":
      return (
        <>
          <Shell />
          <OpenDialog />
        </>
      );
  }
}

function Shell() {
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skip}>Skip to the chat</a>
      <Sidebar />
      {isDrawerOpen.value && <div class="drawer-backdrop" onClick={closeDrawer} />}
      <div class="stage" inert={isDrawerOpen.value}>
        <TopBar />
        <StorageNotice />
        <main id="main" class="main" tabindex={-1}>
          {route.value.page === "usage" ? <UsagePage /> : <ChatView />}
        </main>
      </div>
    </div>
  );
}

/** The hash is the route's: the target is focused without it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
