/** The dialog that is open, if any. */
import { dialog } from "../state/dialogs.ts";
import { AccountDialog } from "./account_dialog.tsx";
import { AddCreditsDialog } from "./add_credits_dialog.tsx";
import { DeleteChatDialog } from "./delete_chat_dialog.tsx";
import { ReceiptDialog } from "./receipt_dialog.tsx";

export function OpenDialog() {
  const open = dialog.value;
  switch (open?.kind) {
    case undefined:
      return null;
    case "sign-in":
    case "sign-up":
      return <AccountDialog kind={open.kind} />;
    case "add-credits":
      return <AddCreditsDialog />;
    case "receipt":
      return <ReceiptDialog requestId={open.requestId} />;
    case "delete-chat":
      return <DeleteChatDialog chatId={open.chatId} />;
  }
}
