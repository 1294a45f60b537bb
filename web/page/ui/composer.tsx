/** Where a message is typed, what it would cost, and the button that sends it or stops the answer. */
import { computed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { isBusyElsewhere, openChat } from "../state/shown_chats.ts";
import { isStreaming, send, stop } from "../state/conversation.ts";
import { dialog } from "../state/dialogs.ts";
import { draft, writeDraft } from "../state/draft.ts";
import { estimate } from "../state/estimate.ts";
import { SendIcon, StopIcon } from "./icons.tsx";
import { ModelPicker } from "./model_picker.tsx";
import { focusComposerUnlessTouch, MESSAGE_ID } from "./places.ts";

const GROWS = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

/** Why nothing can be sent though something is typed; null: it can. */
const whyNot = computed(() =>
  isBusyElsewhere.value ? "Another tab is receiving an answer in this chat." : null
);

export function Composer() {
  const text = draft.value;
  const field = useRef<HTMLTextAreaElement>(null);
  useGrowth(field, text);
  useEffect(() => {
    addEventListener("keydown", stopByEscape);
    return () => removeEventListener("keydown", stopByEscape);
  }, []);
  const canSend = text.trim() !== "" && whyNot.value === null;
  function submit(event: Event): void {
    event.preventDefault();
    if (!isStreaming.peek() && canSend) void send(draft.peek());
  }
  return (
    <form class="composer" onSubmit={submit}>
      <label class="visually-hidden" for={MESSAGE_ID}>Message</label>
      <textarea
        ref={field}
        id={MESSAGE_ID}
        name="message"
        rows={1}
        placeholder="Ask anything"
        autocomplete="off"
        enterkeyhint="send"
        value={text}
        onInput={(event) => writeDraft(openChat.peek()?.id ?? null, event.currentTarget.value)}
        onKeyDown={(event) => {
          if (isSending(event)) submit(event);
        }}
      />
      <div class="composer-row">
        <ModelPicker />
        {isStreaming.value
          ? (
            <button key="stop" type="button" class="round" aria-label="Stop" onClick={stopByClick}>
              <StopIcon />
            </button>
          )
          : (
            <button
              key="send"
              type="submit"
              class="round"
              aria-label="Send"
              disabled={!canSend}
              onClick={focusComposerUnlessTouch}
            >
              <SendIcon />
            </button>
          )}
      </div>
    </form>
  );
}

/** Under the composer: what the message would cost, or why it cannot be sent. */
export function ComposerNote() {
  const known = estimate.value;
  const reason = whyNot.value;
  return (
    <p class="composer-note">
      {reason !== null
        ? <span>{reason}</span>
        : known !== null && (
          <span class={known.isWarning ? "warns" : ""} data-testid="estimate">{known.text}</span>
        )}
    </p>
  );
}

/** Not while an input method composes: there Enter chooses a word. */
function isSending(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

function stopByEscape(event: KeyboardEvent): void {
  if (event.key !== "Escape" || event.defaultPrevented || dialog.peek() !== null) return;
  if (isStreaming.peek()) stopHere();
}

/** The second click of a double click on Send is none on Stop, which has taken its place. */
function stopByClick({ detail }: MouseEvent): void {
  if (detail < 2) stopHere();
}

function stopHere(): void {
  stop();
  focusComposerUnlessTouch();
}

/** Where CSS cannot make it grow with its text. */
function useGrowth(field: { readonly current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    if (GROWS || field.current === null) return;
    field.current.style.height = "auto";
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);
}
