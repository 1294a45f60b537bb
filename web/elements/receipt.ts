/**
 * `<farebox-receipt>`: why this price.
 *
 *     <farebox-receipt request-id="01a20378-…"></farebox-receipt>
 */
import type { Farebox } from "../client/farebox.ts";
import type { Receipt } from "../client/types.ts";
import { make, makeButton } from "./dom.ts";
import { codeOf } from "./failure_code.ts";
import { FareboxElement } from "./farebox_element.ts";
import { LatestLoad } from "./latest_load.ts";
import { formatCost } from "./money_text.ts";
import { receiptDetails, timeOf } from "./receipt_details.ts";
import { factsOf } from "./receipt_facts.ts";
import { RECEIPT_CSS } from "./receipt_styles.ts";
import { receiptTable } from "./receipt_table.ts";
import { defineElement } from "./registry.ts";
import { HIDDEN_CLASS } from "./styles.ts";
import { TEXT_CSS } from "./text_styles.ts";

/** Reflected as the attribute `state`. `none`: nothing was charged. `guest`: guests have none. */
export type ReceiptState = "loading" | "ready" | "none" | "guest" | "error";

/** The charge of an answer that has only just ended may take this long. */
const SETTLE_MS = 3_000;
const COPIED_MS = 2_000;

export class FareboxReceipt extends FareboxElement {
  static readonly observedAttributes: readonly string[] = ["request-id"];

  readonly #load = new LatestLoad();
  #receipt: Receipt | null = null;
  #state: ReceiptState = "loading";
  readonly #content = make("div", {});
  readonly #status = make("span", { class: HIDDEN_CLASS, role: "status" });

  constructor() {
    super(TEXT_CSS + RECEIPT_CSS);
    this.root.append(this.#content, this.#status);
    this.#renderLoading();
  }

  /** The answer's `requestId`, or `x-request-id`. */
  get requestId(): string | null {
    return this.getAttribute("request-id");
  }
  set requestId(requestId: string | null | undefined) {
    if (requestId === null || requestId === undefined) this.removeAttribute("request-id");
    else this.setAttribute("request-id", requestId);
  }

  /** What is shown; null while it is not known. */
  get receipt(): Receipt | null {
    return this.#receipt;
  }

  get state(): ReceiptState {
    return this.#state;
  }

  override connectedCallback(): void {
    this.setAttribute("state", this.#state);
    super.connectedCallback();
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    this.#receipt = null;
    this.#renderLoading();
    this.watchAnew();
  }

  /** Asks anew. */
  refresh(): void {
    const { farebox, requestId } = this;
    if (farebox === null || requestId === null || requestId === "") return;
    if (this.#receipt === null) this.#renderLoading();
    void this.#load.start(() => farebox.receipt(requestId, { waitMs: SETTLE_MS }), {
      loaded: (receipt) => {
        this.#receipt = receipt;
        this.#renderReceipt(receipt);
      },
      failed: (cause) => this.#renderFailure(codeOf(cause)),
    });
  }

  protected override forget(): void {
    this.#receipt = null;
    this.#renderLoading();
  }

  protected watch(_farebox: Farebox): () => void {
    this.refresh();
    return () => this.#load.forget();
  }

  #become(state: ReceiptState, shown: HTMLElement): void {
    this.#state = state;
    if (this.isConnected) this.setAttribute("state", state);
    this.#content.replaceChildren(shown);
  }

  #renderLoading(): void {
    this.#become(
      "loading",
      make(
        "div",
        { class: "paper", "aria-busy": "true" },
        make("span", { class: HIDDEN_CLASS }, "Loading the receipt"),
        ...["bone long", "bone", "bone", "bone"].map((name) => make("p", { class: name })),
      ),
    );
  }

  #renderFailure(code: string | null): void {
    if (code === "REQUEST_NOT_FOUND") {
      const words =
        "Nothing was charged for this request, so it has no receipt. What failed, or is " +
        "still running, has none.";
      this.#become("none", quiet(words, this.#retry("Look again")));
    } else if (code === "FORBIDDEN") {
      this.#become("guest", quiet("Guests pay nothing, so there is no receipt."));
    } else if (this.#receipt === null) {
      const shown = quiet("The receipt could not be loaded.", this.#retry("Try again"));
      shown.setAttribute("role", "alert");
      this.#become("error", shown);
    }
  }

  #retry(label: string): HTMLButtonElement {
    return makeButton(label, { class: "button", part: "button retry" }, () => {
      this.refresh();
    });
  }

  #renderReceipt(receipt: Receipt): void {
    const facts = factsOf(receipt);
    const head = make(
      "div",
      { class: "head", part: "head" },
      make("div", { class: "cost", part: "cost" }, formatCost(receipt.cost)),
      make("div", { class: "model" }, receipt.model),
      make("div", { class: "muted" }, timeOf(receipt.created_at)),
    );
    this.#become(
      "ready",
      make(
        "div",
        { class: "paper", part: "paper" },
        head,
        receiptTable(receipt, facts),
        receiptDetails(receipt, facts, this.#copyButton(receipt.request_id)),
      ),
    );
  }

  #copyButton(requestId: string): HTMLButtonElement {
    const attributes = { class: "link copy", part: "copy", "aria-label": "Copy the request id" };
    const button = makeButton("Copy", attributes, () => void copy());
    const copy = async () => {
      const isCopied = await writeToClipboard(requestId);
      const words = isCopied ? "Copied" : "Select it and copy";
      button.textContent = words;
      this.#status.textContent = words;
      setTimeout(() => {
        button.textContent = "Copy";
        this.#status.textContent = "";
      }, COPIED_MS);
    };
    return button;
  }
}

function quiet(words: string, ...more: HTMLElement[]): HTMLDivElement {
  return make("div", { class: "quiet" }, make("p", {}, words), ...more);
}

/** @returns false where the browser or its user does not let the page. */
async function writeToClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Registers `<farebox-receipt>`; more than once does no harm. */
export function defineFareboxReceipt(): void {
  defineElement("farebox-receipt", FareboxReceipt);
}

declare global {
  interface HTMLElementTagNameMap {
    "farebox-receipt": FareboxReceipt;
  }
}
