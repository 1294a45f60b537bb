/** Chooses the days: some presets, or two dates. */
import { make, makeButton } from "./dom.ts";
import { type DayRange, problemOf, rangeText } from "./usage_range.ts";

const PRESETS = [7, 30, 90];

export interface RangeChoice {
  /** Of the last so many days until today. */
  preset(days: number): void;
  /** Two days, with nothing wrong about them. */
  custom(range: DayRange): void;
}

export class RangePicker {
  readonly element = make("div", { class: "picker", part: "range" });
  readonly #presets: ReadonlyMap<number, HTMLButtonElement>;
  readonly #custom: HTMLButtonElement;
  readonly #from = make("input", { type: "date", required: true });
  readonly #to = make("input", { type: "date", required: true });
  readonly #dates = make("div", { class: "dates", hidden: true });
  readonly #problem = make("p", { class: "problem", role: "alert", hidden: true });
  readonly #words = make("p", { class: "muted range-words" });
  readonly #choice: RangeChoice;
  /** What was shown last: as long as it stays so, the fields are whoever types in them. */
  #shown = "";

  constructor(choice: RangeChoice) {
    this.#choice = choice;
    this.#presets = new Map(PRESETS.map((days) => [
      days,
      makeButton(`${days} days`, { class: "segment" }, () => {
        this.#dates.hidden = true;
        this.#shown = "";
        choice.preset(days);
      }),
    ]));
    this.#custom = makeButton("Custom", { class: "segment", "aria-expanded": "false" }, () => {
      this.#dates.hidden = false;
      this.#press(null);
      this.#from.focus();
    });
    const segments = make("div", { class: "segments", role: "group", "aria-label": "Days" });
    segments.append(...this.#presets.values(), this.#custom);
    this.#dates.append(
      make("label", {}, make("span", {}, "From"), this.#from),
      make("label", {}, make("span", {}, "To"), this.#to),
    );
    for (const input of [this.#from, this.#to]) {
      input.addEventListener("change", () => this.#take());
    }
    this.element.append(segments, this.#dates, this.#problem, this.#words);
  }

  /** @param preset null where it is of two dates. */
  show(range: DayRange, preset: number | null): void {
    const shown = `${range.from} ${range.to} ${preset}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#words.textContent = `${rangeText(range)}. Days are in UTC.`;
    const isPreset = preset !== null && this.#presets.has(preset);
    if (!isPreset) this.#dates.hidden = false;
    this.#press(isPreset ? preset : null);
    this.#problem.hidden = true;
    if (this.#from.value !== range.from) this.#from.value = range.from;
    if (this.#to.value !== range.to) this.#to.value = range.to;
  }

  #press(preset: number | null): void {
    for (const [days, button] of this.#presets) {
      button.setAttribute("aria-pressed", String(days === preset));
    }
    this.#custom.setAttribute("aria-pressed", String(preset === null));
    this.#custom.setAttribute("aria-expanded", String(!this.#dates.hidden));
  }

  #take(): void {
    const range = { from: this.#from.value, to: this.#to.value };
    const problem = problemOf(range);
    this.#problem.textContent = problem;
    this.#problem.hidden = problem === null;
    if (problem === null) this.#choice.custom(range);
  }
}
