/** Two panels, of which one is seen. Arrow keys go from tab to tab. */
import { make, makeButton } from "./dom.ts";

export interface TabOrder {
  readonly name: string;
  readonly label: string;
  readonly panel: HTMLElement;
}

export class Tabs {
  readonly element = make("div", { class: "tabs", part: "tabs", role: "tablist" });
  readonly #tabs: readonly (TabOrder & { readonly tab: HTMLButtonElement })[];
  readonly #seen: (name: string) => void;

  /** @param seen called when a panel is chosen. */
  constructor(label: string, orders: readonly TabOrder[], seen: (name: string) => void) {
    this.#seen = seen;
    this.element.setAttribute("aria-label", label);
    this.#tabs = orders.map((order) => {
      const { name, panel } = order;
      const attributes = {
        class: "tab",
        part: "tab",
        role: "tab",
        id: `tab-${name}`,
        "aria-controls": `panel-${name}`,
      };
      const tab = makeButton(order.label, attributes, () => this.#choose(name));
      panel.id = `panel-${name}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      return { ...order, tab };
    });
    this.element.append(...this.#tabs.map(({ tab }) => tab));
    this.element.addEventListener("keydown", (event) => this.#move(event));
    this.#show(orders[0]?.name ?? "");
  }

  #choose(name: string): void {
    this.#show(name);
    this.#seen(name);
  }

  #show(chosen: string): void {
    for (const { name, tab, panel } of this.#tabs) {
      const isChosen = name === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      panel.hidden = !isChosen;
    }
  }

  #move(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = this.#tabs.findIndex(({ tab }) => tab.tabIndex === 0);
    const count = this.#tabs.length;
    const to = Number.isFinite(step) ? (at + step + count) % count : step < 0 ? 0 : count - 1;
    const next = this.#tabs[to];
    if (next === undefined) return;
    this.#choose(next.name);
    next.tab.focus();
  }
}
