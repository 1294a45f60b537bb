/** Which of the requests are listed: of one model, of one day. */
import { make, makeButton } from "./dom.ts";
import { dayText, longDayText } from "./usage_range.ts";

export interface UsageFilter {
  readonly model: string | null;
  /** UTC. */
  readonly day: string | null;
}

export const NO_FILTER: UsageFilter = { model: null, day: null };

export class UsageFilters {
  readonly element = make("div", { class: "filters", part: "filters" });
  readonly #model = make("select", { "aria-label": "Model" });
  readonly #day = make("select", { "aria-label": "Day" });
  readonly #chips = make("ul", { class: "chips", "aria-label": "Filters", hidden: true });
  readonly #change: (filter: UsageFilter) => void;

  constructor(change: (filter: UsageFilter) => void) {
    this.#change = change;
    const chosen = () =>
      this.#change({ model: this.#model.value || null, day: this.#day.value || null });
    this.#model.addEventListener("change", chosen);
    this.#day.addEventListener("change", chosen);
    this.element.append(
      make("div", { class: "selects" }, this.#model, this.#day),
      this.#chips,
    );
  }

  /** @param models and `days`: what there is to choose. */
  show(filter: UsageFilter, models: readonly string[], days: readonly string[]): void {
    fill(this.#model, "All models", filter.model, models, (model) => model);
    fill(this.#day, "All days", filter.day, days, dayText);
    const chips: HTMLLIElement[] = [];
    if (filter.model !== null) {
      chips.push(this.#chip(filter.model, filter.model, this.#model, { ...filter, model: null }));
    }
    if (filter.day !== null) {
      const [label, name] = [dayText(filter.day), longDayText(filter.day)];
      chips.push(this.#chip(label, name, this.#day, { ...filter, day: null }));
    }
    this.#chips.replaceChildren(...chips);
    this.#chips.hidden = chips.length === 0;
  }

  #chip(
    label: string,
    name: string,
    select: HTMLSelectElement,
    without: UsageFilter,
  ): HTMLLIElement {
    const cross = make("span", { class: "cross", "aria-hidden": "true" }, "×");
    const attributes = { class: "chip", part: "chip", "aria-label": `Remove the filter ${name}` };
    const button = makeButton(label, attributes, () => {
      // The chip goes away, and with it the focus would.
      select.focus();
      this.#change(without);
    });
    button.append(cross);
    return make("li", {}, button);
  }
}

function fill(
  select: HTMLSelectElement,
  all: string,
  chosen: string | null,
  values: readonly string[],
  textOf: (value: string) => string,
): void {
  const shown = chosen === null || values.includes(chosen) ? values : [chosen, ...values];
  select.replaceChildren(
    new Option(all, ""),
    ...shown.map((value) => new Option(textOf(value), value)),
  );
  select.value = chosen ?? "";
}
