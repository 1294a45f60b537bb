/** Starts the page. */
import "./elements_jsx.ts";
import { effect } from "@preact/signals";
import { render } from "preact";
import { defineFareboxBalance } from "../elements/balance.ts";
import { defineFareboxChatCost } from "../elements/chat_cost.ts";
import { defineFareboxReceipt } from "../elements/receipt.ts";
import { provideFarebox } from "../elements/registry.ts";
import { App } from "./app.tsx";
import { openChat } from "./state/shown_chats.ts";
import { dialog } from "./state/dialogs.ts";
import { route } from "./state/route.ts";
import { services, startServices } from "./state/services.ts";
import { startSession } from "./state/session.ts";
import { CannotStart } from "./state/settings.ts";
import { startTheme } from "./state/theme.ts";
import { ProblemScreen } from "./ui/problem_screen.tsx";

const root = document.getElementById("app");
if (root === null) throw new Error("Cannot start without the element #app of index.html");
startTheme();
try {
  const { farebox } = await startServices();
  provideFarebox(farebox);
  defineFareboxBalance();
  defineFareboxChatCost();
  defineFareboxReceipt();
  listenToElements();
  nameTheWindow();
  render(<App />, root);
  await startSession();
} catch (problem) {
  if (!(problem instanceof CannotStart)) throw problem;
  render(<ProblemScreen message={problem.message} advice={problem.advice} />, root);
}

/** The elements only say what somebody wants. */
function listenToElements(): void {
  addEventListener("farebox-add-credits", () => dialog.value = { kind: "add-credits" });
  addEventListener("farebox-sign-up", () => dialog.value = { kind: "sign-up" });
  document.documentElement.addEventListener("farebox-receipt", (event) => {
    // Or `<farebox-usage>` shows one of its own.
    event.preventDefault();
    dialog.value = { kind: "receipt", requestId: event.detail.requestId };
  });
}

function nameTheWindow(): void {
  const name = services().settings.name ?? "Farebox";
  effect(() => {
    const here = route.value.page === "usage" ? "Usage" : openChat.value?.title;
    document.title = here === undefined ? name : `${here} · ${name}`;
  });
}
