/**
 * `<farebox-balance>`: what is left, at all times.
 *
 *     <farebox-balance warning="1" critical="0.10"></farebox-balance>
 *
 * Fires `farebox-add-credits` and `farebox-sign-up`, see events.ts.
 */
import type { Farebox } from "../client/farebox.ts";
import type { Balance } from "../client/types.ts";
import {
  announcementOf,
  type BalanceState,
  guestText,
  hasFallen,
  labelOf,
  noteOf,
  spokenBalance,
  stateOf,
} from "./balance_state.ts";
import { BALANCE_CSS } from "./balance_styles.ts";
import { make, makeButton } from "./dom.ts";
import type { AddCreditsDetail, SignUpDetail } from "./events.ts";
import { FareboxElement } from "./farebox_element.ts";
import { formatBalance, formatCost } from "./money_text.ts";
import { defineElement, provideFarebox } from "./registry.ts";
import { HIDDEN_CLASS } from "./styles.ts";

export type { AddCreditsDetail, BalanceState, SignUpDetail };
export { provideFarebox };

/** After which the element asks why it has heard nothing. The client tells within a request. */
const PATIENCE_MS = 2_500;
const HIGHLIGHT = "color-mix(in oklab, currentColor 18%, transparent)";
const HIGHLIGHT_MS = 1_100;
/** More free messages than these are not drawn one by one. */
const PIPS_MAX = 12;

export class FareboxBalance extends FareboxElement {
  static readonly observedAttributes: readonly string[] = ["warning", "critical"];

  #balance: Balance | null = null;
  #hasFailed = false;
  readonly #label = make("span", { class: "label", part: "label" });
  readonly #amount = make("span", { class: "amount", part: "amount", "aria-hidden": "true" });
  readonly #spoken = make("span", { class: HIDDEN_CLASS });
  readonly #pips = make("span", { class: "pips", part: "pips", "aria-hidden": "true" });
  readonly #note = make("span", { class: "note", part: "note" });
  readonly #words = make("div", { class: "words" });
  readonly #card = make("div", { class: "card", part: "card", role: "group" });
  readonly #status = make("span", { class: HIDDEN_CLASS, role: "status" });
  readonly #addCredits = make("slot", { name: "add-credits" });
  readonly #signUp = make("slot", { name: "sign-up" });
  readonly #retry = makeButton(
    "Try again",
    { class: "button", part: "button retry" },
    () => this.#ask(),
  );

  constructor() {
    super(BALANCE_CSS);
    this.#addCredits.append(
      makeButton(
        "Add credits",
        { class: "button main", part: "button add-credits" },
        () => this.tell("farebox-add-credits", { balance: this.#balance }),
      ),
    );
    this.#signUp.append(
      makeButton(
        "Sign up",
        { class: "button main", part: "button sign-up" },
        () => this.tell("farebox-sign-up", { balance: this.#balance }),
      ),
    );
    this.#card.append(this.#words, this.#addCredits, this.#signUp, this.#retry);
    this.root.append(this.#card, this.#status);
    this.#render();
  }

  /** What is shown; null while it is not known. */
  get balance(): Balance | null {
    return this.#balance;
  }

  /** As the attribute `state`. */
  get state(): BalanceState {
    if (this.#balance === null) return this.#hasFailed ? "error" : "loading";
    return stateOf(this.#balance, this);
  }

  /** Below it the state is `warning`: decimal USD; null for the default of 1. */
  get warning(): string | null {
    return this.getAttribute("warning");
  }
  set warning(usd: string | number | null) {
    this.#reflect("warning", usd);
  }

  /** Below it the state is `critical`: decimal USD; null for the default of 0.10. */
  get critical(): string | null {
    return this.getAttribute("critical");
  }
  set critical(usd: string | number | null) {
    this.#reflect("critical", usd);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#render();
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.#render();
  }

  protected override forget(): void {
    this.#balance = null;
    this.#hasFailed = false;
    this.#render();
  }

  protected watch(farebox: Farebox): () => void {
    const stop = farebox.onBalance((balance) => this.#show(balance));
    const impatient = setTimeout(() => {
      if (this.#balance === null) this.#ask();
    }, PATIENCE_MS);
    return () => {
      stop();
      clearTimeout(impatient);
    };
  }

  /** The answer comes to all who listen; here only a failure is heard. */
  #ask(): void {
    const { farebox } = this;
    if (farebox === null) return;
    this.#hasFailed = false;
    this.#render();
    farebox.refreshBalance().catch(() => {
      if (farebox !== this.farebox || this.#balance !== null) return;
      this.#hasFailed = true;
      this.#render();
    });
  }

  #show(balance: Balance): void {
    const before = this.state;
    const fell = hasFallen(this.#balance, balance);
    this.#balance = balance;
    this.#hasFailed = false;
    this.#render();
    if (fell && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#amount.animate({ background: [HIGHLIGHT, "transparent"] }, HIGHLIGHT_MS);
    }
    if (this.state !== before && before !== "loading") {
      this.#status.textContent = announcementOf(balance, this.state);
    }
  }

  #render(): void {
    const balance = this.#balance;
    const { state } = this;
    if (this.isConnected && this.getAttribute("state") !== state) this.setAttribute("state", state);
    this.#card.setAttribute("aria-busy", String(state === "loading"));
    this.#card.setAttribute("aria-label", balance?.kind === "guest" ? "Free messages" : "Balance");
    this.#addCredits.hidden = state !== "warning" && state !== "critical";
    this.#signUp.hidden = state !== "guest";
    this.#retry.hidden = state !== "error";
    if (balance === null) this.#renderNone(state);
    else this.#renderKnown(balance, state);
  }

  #renderNone(state: BalanceState): void {
    this.#words.replaceChildren(
      ...(state === "error"
        ? [make("span", { role: "alert" }, "The balance could not be loaded.")]
        : [
          make("span", { class: HIDDEN_CLASS }, "Loading the balance"),
          make("span", { class: "bone short" }),
          make("span", { class: "bone long" }),
        ]),
    );
  }

  #renderKnown(balance: Balance, state: BalanceState): void {
    const note = noteOf(balance);
    this.#label.textContent = labelOf(balance, state);
    this.#spoken.textContent = spokenBalance(balance);
    this.#note.textContent = note;
    this.#note.hidden = note === null;
    if (balance.kind === "guest") {
      this.#amount.replaceChildren(guestText(balance.exchanges));
      this.#amount.removeAttribute("title");
      this.#renderPips(balance.exchanges);
    } else {
      const text = formatBalance(balance.balance);
      const cents = text.indexOf(".") + 3;
      const fine = text.slice(cents);
      this.#amount.replaceChildren(
        text.slice(0, cents),
        ...(fine === "" ? [] : [make("span", { class: "fine" }, fine)]),
      );
      this.#amount.title = formatCost(balance.balance);
      this.#pips.replaceChildren();
    }
    this.#pips.hidden = this.#pips.childElementCount === 0;
    const shown = [this.#label, this.#amount, this.#spoken, this.#pips, this.#note];
    // Only where it is not so: an animation that runs goes on.
    if (this.#label.parentNode !== this.#words) this.#words.replaceChildren(...shown);
  }

  #renderPips({ left, limit }: { readonly left: number; readonly limit: number }): void {
    const count = limit <= PIPS_MAX ? limit : 0;
    this.#pips.replaceChildren(
      ...Array.from(
        { length: count },
        (_, index) => make("span", { class: index < left ? "pip left" : "pip" }),
      ),
    );
  }

  #reflect(name: string, value: string | number | null | undefined): void {
    if (value === null || value === undefined) this.removeAttribute(name);
    else this.setAttribute(name, String(value));
  }
}

/** Registers `<farebox-balance>`; more than once does no harm. */
export function defineFareboxBalance(): void {
  defineElement("farebox-balance", FareboxBalance);
}

declare global {
  interface HTMLElementTagNameMap {
    "farebox-balance": FareboxBalance;
  }
}
