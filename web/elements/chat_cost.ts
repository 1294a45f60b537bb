/**
 * `<farebox-chat-cost>`: what a chat has cost until now, and each of its answers.
 *
 *     <farebox-chat-cost chat-id="…"></farebox-chat-cost>
 *
 * Fires `farebox-receipt` when somebody asks why an answer cost what it did, see events.ts. Guests pay
 * nothing, and see nothing.
 */
import type { Farebox } from "../client/farebox.ts";
import type { Balance, ChatCosts } from "../client/types.ts";
import { type AnswerCost, answersOf, tokensIn, tokensText } from "./chat_cost_messages.ts";
import { CHAT_COST_CSS } from "./chat_cost_styles.ts";
import { make, makeButton } from "./dom.ts";
import { codeOf } from "./failure_code.ts";
import { FareboxElement } from "./farebox_element.ts";
import { LatestLoad } from "./latest_load.ts";
import { formatCost, formatCount } from "./money_text.ts";
import { defineElement } from "./registry.ts";
import { HIDDEN_CLASS } from "./styles.ts";
import { TEXT_CSS } from "./text_styles.ts";

/** Reflected as the attribute `state`. `guest`: nothing is shown. */
export type ChatCostState = "loading" | "ready" | "guest" | "error";

/** A cost that is told here, and the balance that follows it, are one reason to ask. */
const GATHER_MS = 500;
/** After which it is asked for even if nobody has said who asks. */
const PATIENCE_MS = 2_500;
/** Between the panel and the edges of the window. */
const MARGIN_PX = 8;

export class FareboxChatCost extends FareboxElement {
  static readonly observedAttributes: readonly string[] = ["chat-id"];

  readonly #load = new LatestLoad();
  #costs: ChatCosts | null = null;
  #state: ChatCostState = "loading";
  /** Whose balance was told last; null before. */
  #kind: Balance["kind"] | null = null;
  readonly #details = make("details", { part: "details" });
  readonly #summary = make("summary", { part: "summary" });
  readonly #panel = make("div", { class: "panel", part: "panel" });
  readonly #leave = (event: Event) => {
    if (!event.composedPath().includes(this)) this.#details.open = false;
  };

  constructor() {
    super(TEXT_CSS + CHAT_COST_CSS);
    this.#details.append(this.#summary, this.#panel);
    this.#details.addEventListener("toggle", () => this.#place());
    this.#details.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#details.open) return;
      event.stopPropagation();
      this.#details.open = false;
      this.#summary.focus();
    });
    this.#renderLoading();
  }

  /** The chat, as it was named when its answers were asked for. */
  get chatId(): string | null {
    return this.getAttribute("chat-id");
  }
  set chatId(chatId: string | null | undefined) {
    if (chatId === null || chatId === undefined) this.removeAttribute("chat-id");
    else this.setAttribute("chat-id", chatId);
  }

  /** What is shown; null while it is not known. */
  get costs(): ChatCosts | null {
    return this.#costs;
  }

  get state(): ChatCostState {
    return this.#state;
  }

  override connectedCallback(): void {
    this.ownerDocument.addEventListener("pointerdown", this.#leave);
    this.setAttribute("state", this.#state);
    super.connectedCallback();
  }

  override disconnectedCallback(): void {
    if (!this.isConnected) this.ownerDocument.removeEventListener("pointerdown", this.#leave);
    super.disconnectedCallback();
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    this.#costs = null;
    this.#details.open = false;
    this.#renderLoading();
    this.watchAnew();
  }

  /** Asks anew. */
  refresh(): void {
    const { farebox, chatId } = this;
    if (farebox === null || chatId === null || chatId === "") return;
    if (this.#costs === null) this.#renderLoading();
    void this.#load.start(() => farebox.chatCost(chatId), {
      loaded: (costs) => {
        this.#costs = costs;
        this.#renderCosts(costs);
      },
      failed: (cause) => this.#renderFailure(cause),
    });
  }

  protected override forget(): void {
    this.#costs = null;
    this.#details.open = false;
    this.#renderLoading();
  }

  protected watch(farebox: Farebox): () => void {
    this.#kind = null;
    let known: string | null = null;
    let due: ReturnType<typeof setTimeout> | undefined;
    // A guest's question would be refused, and the browser's console would show it as an error.
    const stopBalance = farebox.onBalance((balance) => {
      const { kind } = balance;
      const isNew = kind !== this.#kind;
      this.#kind = kind;
      if (kind === "guest") {
        if (isNew) this.#renderGuest();
        return;
      }
      const hasChanged = known !== null && known !== balance.balance;
      known = balance.balance;
      if (isNew) this.refresh();
      // Another tab or device may have spent it in this chat; of this tab's answers `onCost` tells.
      else if (hasChanged) due ??= setTimeout(refreshNow, GATHER_MS);
    });
    const refreshNow = () => {
      clearTimeout(due);
      due = undefined;
      this.refresh();
    };
    const stopCost = farebox.onCost((cost) => {
      if (cost.chatId === this.chatId && this.#kind !== "guest") refreshNow();
    });
    const impatient = setTimeout(() => {
      if (this.#kind === null) this.refresh();
    }, PATIENCE_MS);
    return () => {
      stopBalance();
      stopCost();
      clearTimeout(impatient);
      clearTimeout(due);
      this.#load.forget();
    };
  }

  #become(state: ChatCostState, ...shown: Node[]): void {
    if (this.#state === "guest" && state !== "guest") this.removeAttribute("title");
    this.#state = state;
    if (this.isConnected) this.setAttribute("state", state);
    if (this.root.firstChild === shown[0] && shown.length === 1) return;
    this.root.replaceChildren(...shown);
  }

  #renderLoading(): void {
    const bone = make("span", { class: "bone" });
    const words = make("span", { class: HIDDEN_CLASS }, "Loading this chat's cost");
    this.#become("loading", make("div", { class: "quiet" }, bone, words));
  }

  #renderGuest(): void {
    this.#load.forget();
    this.#costs = null;
    this.#become("guest");
    this.title = "Guests pay nothing: there is no cost to show.";
  }

  #renderFailure(cause: unknown): void {
    if (codeOf(cause) === "FORBIDDEN") return this.#renderGuest();
    // What is known is still true; the next answer asks again.
    if (this.#costs !== null) return;
    const retry = makeButton("Try again", { class: "link", part: "retry" }, () => this.refresh());
    const words = make("span", {}, "This chat's cost could not be loaded.");
    this.#become("error", make("div", { class: "quiet", role: "alert" }, words, retry));
  }

  #renderCosts(costs: ChatCosts): void {
    const input = tokensIn(costs.tokens);
    const { output } = costs.tokens;
    const count = costs.requests === 1 ? "1 answer" : `${formatCount(costs.requests)} answers`;
    this.#summary.replaceChildren(
      make("span", { class: HIDDEN_CLASS }, "Cost of this chat: "),
      make("span", { class: "total", part: "total" }, formatCost(costs.cost)),
      make(
        "span",
        { class: "sums", part: "sums" },
        `${tokensText(input, output)} · ${count}`,
      ),
    );
    const answers = answersOf(costs);
    this.#panel.replaceChildren(
      answers.length === 0
        ? make("p", { class: "muted" }, "Nothing has been charged in this chat yet.")
        : make("ol", { part: "list" }, ...answers.map((answer) => this.#row(answer))),
    );
    this.#become("ready", this.#details);
  }

  #row(answer: AnswerCost): HTMLLIElement {
    const cost = formatCost(answer.cost);
    const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
    const estimated = answer.isEstimated ? " · estimated" : "";
    return make(
      "li",
      { part: "message" },
      make("span", { class: "model" }, answer.model),
      make(
        "span",
        { class: "facts" },
        tokensText(answer.tokensIn, answer.tokensOut) + estimated + " · ",
        make("time", { datetime: answer.createdAt }, when.format(new Date(answer.createdAt))),
      ),
      makeButton(
        cost,
        { class: "link", part: "receipt", "aria-label": `${cost}: why this price?` },
        () => this.tell("farebox-receipt", { requestId: answer.requestId }),
      ),
    );
  }

  /** Keeps the panel within the window, wherever in it the element is. */
  #place(): void {
    if (!this.#details.open) return;
    this.#panel.style.transform = "";
    const { left, right } = this.#panel.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const shift = Math.max(Math.min(0, width - MARGIN_PX - right), MARGIN_PX - left);
    if (shift !== 0) this.#panel.style.transform = `translateX(${shift}px)`;
  }
}

/** Registers `<farebox-chat-cost>`; more than once does no harm. */
export function defineFareboxChatCost(): void {
  defineElement("farebox-chat-cost", FareboxChatCost);
}

declare global {
  interface HTMLElementTagNameMap {
    "farebox-chat-cost": FareboxChatCost;
  }
}
