/** Which dialog is open. One at a time; null: none. */
import { signal } from "@preact/signals";

export type Dialog =
  | { readonly kind: "sign-in" }
  | { readonly kind: "sign-up" }
  | { readonly kind: "add-credits" }
  | { readonly kind: "receipt"; readonly requestId: string }
  | { readonly kind: "delete-chat"; readonly chatId: string };

export const dialog = signal<Dialog | null>(null);

export function closeDialog(): void {
  dialog.value = null;
}
