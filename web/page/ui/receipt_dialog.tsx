/** "Why this price?" */
import { Modal } from "./modal.tsx";

export function ReceiptDialog({ requestId }: { readonly requestId: string }) {
  return (
    <Modal title="Receipt" size="wide">
      <farebox-receipt request-id={requestId} />
    </Modal>
  );
}
