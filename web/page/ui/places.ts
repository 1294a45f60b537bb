/** What is focused from elsewhere. */

export const MESSAGE_ID = "message";
export const MODEL_ID = "model";

/** The composer, with the caret at its end. */
export function focusComposer(): void {
  const field = document.getElementById(MESSAGE_ID);
  if (!(field instanceof HTMLTextAreaElement)) return;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

/** As `focusComposer`, where that opens no keyboard on the screen. */
export function focusComposerUnlessTouch(): void {
  if (matchMedia("(hover: hover) and (pointer: fine)").matches) focusComposer();
}

export function focusModel(): void {
  document.getElementById(MODEL_ID)?.focus();
}
