/** How to get more credit: the operator's words or shop, from settings.json. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { services } from "../state/services.ts";
import { visitor } from "../state/session.ts";
import { Modal } from "./modal.tsx";

export function AddCreditsDialog() {
  const { settings, farebox } = services();
  const { url, text, command } = settings.addCredits ?? {};
  // Whoever closes this may have paid meanwhile.
  useEffect(() => () => void farebox.refreshBalance().catch(() => {}), []);
  return (
    <Modal title="Add credits">
      {url === undefined && text === undefined && command === undefined && (
        <p class="lead">
          Ask whoever runs this page for more credit. Your chats stay as they are, and you can go on
          at once when it has arrived.
        </p>
      )}
      {url !== undefined && (
        <>
          <p class="lead">Credit is bought on another page. Your balance here follows by itself.</p>
          <a class="button primary wide" href={url} target="_blank" rel="noopener noreferrer">
            Open the shop
          </a>
        </>
      )}
      {text !== undefined && <p class="lead">{text}</p>}
      {command !== undefined && <Command text={withUser(command)} />}
    </Modal>
  );
}

/** The command may name who reads it: `{user}` is their id. */
function withUser(text: string): string {
  return visitor.value.kind === "user" ? text.replaceAll("{user}", visitor.value.id) : text;
}

function Command({ text }: { readonly text: string }) {
  const state = useSignal<"" | "Copied" | "Could not copy: select it instead">("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      state.value = "Copied";
    } catch {
      state.value = "Could not copy: select it instead";
    }
  };
  return (
    <div class="command">
      <pre tabindex={0}>{text}</pre>
      <div class="row">
        <button type="button" class="button" onClick={copy}>Copy</button>
        <span role="status" class="hint">{state.value}</span>
      </div>
    </div>
  );
}
