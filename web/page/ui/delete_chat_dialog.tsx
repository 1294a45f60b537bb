/** Asks once: a chat that is deleted is gone. */
import { deleteChat } from "../state/chats.ts";
import { chats } from "../state/shown_chats.ts";
import { closeDialog } from "../state/dialogs.ts";
import { Modal } from "./modal.tsx";

export function DeleteChatDialog({ chatId }: { readonly chatId: string }) {
  const title = chats.value.find(({ id }) => id === chatId)?.title;
  return (
    <Modal title="Delete this chat?">
      <p class="lead">
        <strong>{title}</strong> is removed for good. What it cost stays in your usage.
      </p>
      <div class="row end">
        <button type="button" class="button" onClick={closeDialog} autofocus>Keep it</button>
        <button
          type="button"
          class="button danger"
          onClick={() => {
            closeDialog();
            void deleteChat(chatId);
          }}
        >
          Delete
        </button>
      </div>
    </Modal>
  );
}
