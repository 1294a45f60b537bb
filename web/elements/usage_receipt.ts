/** A receipt over the page. */
import type { Farebox } from "../client/farebox.ts";
import { make, makeButton } from "./dom.ts";
import { defineFareboxReceipt } from "./receipt.ts";

export class ReceiptDialog {
  readonly element: HTMLDialogElement;
  readonly #content = make("div", { class: "receipt-content" });

  constructor() {
    defineFareboxReceipt();
    const close = makeButton(
      "×",
      { class: "close", part: "button close", "aria-label": "Close" },
      () => this.element.close(),
    );
    this.element = make(
      "dialog",
      { part: "dialog", "aria-labelledby": "receipt-heading" },
      make(
        "div",
        { class: "dialog-head" },
        make("h2", { id: "receipt-heading" }, "Receipt"),
        close,
      ),
      this.#content,
    );
    // A press beside it: the dialog itself is hit only there, its content fills it.
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.element.close();
    });
    this.element.addEventListener("close", () => this.#content.replaceChildren());
  }

  /** Closing gives the focus back to where it is now. */
  open(requestId: string, farebox: Farebox | null): void {
    const receipt = make("farebox-receipt");
    receipt.farebox = farebox;
    receipt.requestId = requestId;
    this.#content.replaceChildren(receipt);
    if (!this.element.open) this.element.showModal();
  }

  close(): void {
    this.element.close();
  }
}
