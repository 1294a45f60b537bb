/** A native dialog: focus goes into it, stays in it, and returns to where it was. */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { closeDialog } from "../state/dialogs.ts";
import { CloseIcon } from "./icons.tsx";

export interface ModalProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** `wide` for tables. */
  readonly size?: "narrow" | "wide";
}

export function Modal({ title, children, size = "narrow" }: ModalProps) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    const shown = element.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`modal ${size}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        // Ours to close: the state says what is open.
        event.preventDefault();
        closeDialog();
      }}
      onClick={(event) => {
        if (event.target === element.current) closeDialog();
      }}
    >
      <div class="modal-sheet">
        <header class="modal-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={closeDialog}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
