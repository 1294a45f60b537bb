/** The two charts: by day and by model. A press of a bar chooses a filter, a second one ends it. */
import type { UsageSummary } from "../client/types.ts";
import { make } from "./dom.ts";
import { barsByDay, barsByModel, dayChartWords, modelChartWords } from "./usage_bars.ts";
import { ChartFrame } from "./usage_chart_frame.ts";
import type { UsageFilter } from "./usage_filters.ts";
import type { DayRange } from "./usage_range.ts";
import type { Theme } from "./usage_theme.ts";

/** Sums of one range. */
export interface Summaries {
  readonly byDay: UsageSummary;
  readonly byModel: UsageSummary;
}

export class SpendingCharts {
  readonly element = make("div", { class: "charts" });
  readonly #days: ChartFrame;
  readonly #models: ChartFrame;
  #filter: UsageFilter = { model: null, day: null };

  constructor(theme: Theme, choose: (filter: UsageFilter) => void) {
    const drawn = { palette: () => theme.palette(), isStill: () => theme.isStill() };
    this.#days = new ChartFrame({
      ...drawn,
      name: "days",
      direction: "up",
      heading: "Spending by day",
      column: "Day",
      press: ({ key }) => choose({ ...this.#filter, day: other(key, this.#filter.day) }),
    });
    this.#models = new ChartFrame({
      ...drawn,
      name: "models",
      direction: "across",
      heading: "Spending by model",
      column: "Model",
      press: ({ key }) => choose({ ...this.#filter, model: other(key, this.#filter.model) }),
    });
    this.element.append(this.#days.element, this.#models.element);
  }

  /** They are in a page now: loads what draws them. */
  start(): void {
    this.#days.start();
    this.#models.start();
  }

  stop(): void {
    this.#days.stop();
    this.#models.stop();
  }

  recolour(): void {
    this.#days.recolour();
    this.#models.recolour();
  }

  /** @param summaries null while they are loading. */
  show(summaries: Summaries | null, range: DayRange, filter: UsageFilter): void {
    this.#filter = filter;
    const days = summaries === null ? null : barsByDay(summaries.byDay, range, filter.day);
    const models = summaries === null ? null : barsByModel(summaries.byModel, filter.model);
    this.#days.show(days, dayChartWords(days ?? [], range));
    this.#models.show(models, modelChartWords(models ?? []));
  }
}

function other(pressed: string | null, chosen: string | null): string | null {
  return pressed === chosen ? null : pressed;
}
