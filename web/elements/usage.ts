/**
 * `<farebox-usage>`: what was spent on what, with a receipt for each charge.
 *
 *     <farebox-usage days="30"></farebox-usage>
 *
 * Fires `farebox-receipt` before it opens a receipt: `preventDefault()` there keeps it closed. Its
 * slot `guest` takes the place of the sentence that guests see.
 */
import type { Farebox } from "../client/farebox.ts";
import { make } from "./dom.ts";
import type { ReceiptDetail } from "./events.ts";
import { FareboxElement } from "./farebox_element.ts";
import { defineElement } from "./registry.ts";
import { TEXT_CSS } from "./text_styles.ts";
import { creditsTable } from "./usage_credits.ts";
import { DAYS_MAX } from "./usage_range.ts";
import { ReceiptDialog } from "./usage_receipt.ts";
import { SpendingPanel } from "./usage_spending.ts";
import { USAGE_CSS } from "./usage_styles.ts";
import { Tabs } from "./usage_tabs.ts";
import { Theme } from "./usage_theme.ts";

/** Reflected as the attribute `state`. `guest`: guests pay nothing, and have no usage. */
export type UsageState = "loading" | "ready" | "guest" | "error";

const DAYS_DEFAULT = 30;
/** Several answers may end at once: they are one reason to look. */
const GATHER_MS = 500;
const PAGE_CREDITS = 50;

export class FareboxUsage extends FareboxElement {
  static readonly observedAttributes: readonly string[] = ["days"];

  #state: UsageState = "loading";
  readonly #theme = new Theme();
  readonly #dialog = new ReceiptDialog();
  readonly #spending: SpendingPanel;
  readonly #credits = creditsTable(() => this.#become("guest"));
  readonly #content = make("div", { class: "content" });
  readonly #guest = make("slot", { name: "guest", hidden: true });
  #areCreditsAsked = false;

  constructor() {
    super(TEXT_CSS + USAGE_CSS);
    this.#spending = new SpendingPanel({
      theme: this.#theme,
      receipt: (requestId) => this.#openReceipt(requestId),
      refused: () => this.#become("guest"),
      became: (state) => this.#become(state),
    });
    const credits = make("div", { class: "panel" }, this.#credits.element);
    const tabs = new Tabs("Usage", [
      { name: "spending", label: "Spending", panel: this.#spending.element },
      { name: "credits", label: "Credits", panel: credits },
    ], (name) => name === "credits" && this.#askCredits());
    this.#content.append(tabs.element, this.#spending.element, credits);
    this.#guest.append(make("p", { class: "guest", part: "guest" }, "Sign in to see usage."));
    this.root.append(
      make(
        "div",
        { class: "usage", part: "usage" },
        this.#content,
        this.#guest,
      ),
      this.#dialog.element,
      this.#theme.element,
    );
  }

  /** How many days until today are shown at first; 1 to 366. */
  get days(): number {
    const days = Number(this.getAttribute("days") ?? DAYS_DEFAULT);
    return Number.isInteger(days) && days >= 1 ? Math.min(days, DAYS_MAX) : DAYS_DEFAULT;
  }
  set days(days: number | string | null | undefined) {
    if (days === null || days === undefined) this.removeAttribute("days");
    else this.setAttribute("days", String(days));
  }

  get state(): UsageState {
    return this.#state;
  }

  override connectedCallback(): void {
    this.setAttribute("state", this.#state);
    super.connectedCallback();
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before !== now) this.#spending.showDays(this.days);
  }

  /** Looks for what is new. */
  refresh(): void {
    this.#spending.refresh();
    if (this.#areCreditsAsked) this.#credits.refresh();
  }

  protected watch(farebox: Farebox): () => void {
    let due: ReturnType<typeof setTimeout> | undefined;
    const stopCosts = farebox.onCost(() => {
      clearTimeout(due);
      due = setTimeout(() => this.refresh(), GATHER_MS);
    });
    const stopTheme = this.#theme.watch(() => this.#spending.recolour());
    this.#become("loading");
    this.#spending.start(farebox);
    if (this.#areCreditsAsked) this.#askCredits();
    return () => {
      clearTimeout(due);
      stopCosts();
      stopTheme();
      this.#spending.stop();
      this.#credits.forget();
      this.#dialog.close();
    };
  }

  /** The filters too: they name what the one before has used. */
  protected override forget(): void {
    this.#spending.dropFilters();
  }

  #become(state: UsageState): void {
    this.#state = state;
    if (this.isConnected) this.setAttribute("state", state);
    this.#content.hidden = state === "guest";
    this.#guest.hidden = state !== "guest";
  }

  #askCredits(): void {
    const { farebox } = this;
    this.#areCreditsAsked = true;
    if (farebox === null) return;
    this.#credits.start(async (before) => {
      const query = { limit: PAGE_CREDITS };
      const page = await farebox.transactions(before === null ? query : { ...query, before });
      return { items: page.transactions, next: page.next_before };
    });
  }

  #openReceipt(requestId: string): void {
    const detail: ReceiptDetail = { requestId };
    const event = new CustomEvent("farebox-receipt", {
      detail,
      bubbles: true,
      composed: true,
      cancelable: true,
    });
    if (this.dispatchEvent(event)) this.#dialog.open(requestId, this.farebox);
  }
}

/** Registers `<farebox-usage>`; more than once does no harm. */
export function defineFareboxUsage(): void {
  defineElement("farebox-usage", FareboxUsage);
}

declare global {
  interface HTMLElementTagNameMap {
    "farebox-usage": FareboxUsage;
  }
}
