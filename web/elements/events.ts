/** The events of the elements. All bubble and cross shadow roots. */
import type { Balance } from "../client/types.ts";

/** `farebox-add-credits`: somebody wants to add credits. */
export interface AddCreditsDetail {
  /** Null while it is not known. */
  readonly balance: Balance | null;
}

/** `farebox-sign-up`: a guest wants an account. */
export interface SignUpDetail {
  readonly balance: Balance | null;
}

/** `farebox-receipt`: somebody asks why an answer cost what it did. */
export interface ReceiptDetail {
  readonly requestId: string;
}

declare global {
  interface HTMLElementEventMap {
    "farebox-add-credits": CustomEvent<AddCreditsDetail>;
    "farebox-sign-up": CustomEvent<SignUpDetail>;
    "farebox-receipt": CustomEvent<ReceiptDetail>;
  }
}
