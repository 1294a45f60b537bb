/** What was spent in some days: figures, charts, and the list of requests. */
import type { Farebox } from "../client/farebox.ts";
import { make, makeButton } from "./dom.ts";
import { codeOf } from "./failure_code.ts";
import { LatestLoad } from "./latest_load.ts";
import { formatCost } from "./money_text.ts";
import { HIDDEN_CLASS } from "./styles.ts";
import { requestsText } from "./usage_bars.ts";
import { UsageExport } from "./usage_export.ts";
import { NO_FILTER, type UsageFilter, UsageFilters } from "./usage_filters.ts";
import { type DayRange, daysOf, dayText, lastDays, reachOf, timesOf } from "./usage_range.ts";
import { RangePicker } from "./usage_range_picker.ts";
import { SpendingCharts, type Summaries } from "./usage_spending_charts.ts";
import { recordsTable } from "./usage_table.ts";
import type { Theme } from "./usage_theme.ts";
import { totalsList } from "./usage_totals.ts";
import { failureText } from "./usage_words.ts";

export interface SpendingOrder {
  readonly theme: Theme;
  readonly receipt: (requestId: string) => void;
  /** A guest asked. */
  readonly refused: () => void;
  readonly became: (state: "loading" | "ready" | "error") => void;
}

const PAGE_RECORDS = 50;

export class SpendingPanel {
  readonly element = make("div", { class: "panel" });
  readonly #order: SpendingOrder;
  readonly #load = new LatestLoad();
  readonly #totals = make("div", {});
  readonly #problem = make("div", { class: "failure", hidden: true });
  readonly #status = make("span", { class: HIDDEN_CLASS, role: "status" });
  readonly #picker: RangePicker;
  readonly #filters: UsageFilters;
  readonly #export: UsageExport;
  readonly #table;
  readonly #charts: SpendingCharts;
  readonly #sums = make("span", { class: "muted sums" });
  #farebox: Farebox | null = null;
  #preset: number | null = 30;
  #range: DayRange = lastDays(30, new Date());
  #filter: UsageFilter = NO_FILTER;
  #summaries: Summaries | null = null;

  constructor(order: SpendingOrder) {
    this.#order = order;
    this.#picker = new RangePicker({
      preset: (days) => this.showDays(days),
      custom: (range) => this.#take(null, range),
    });
    this.#filters = new UsageFilters((filter) => this.#choose(filter));
    this.#export = new UsageExport(() => {
      const [farebox, range, filter] = [this.#farebox, this.#reach(), this.#filter];
      return farebox === null ? null : { farebox, range, filter };
    });
    this.#table = recordsTable({
      receipt: order.receipt,
      refused: order.refused,
      emptyText: () =>
        this.#filter === NO_FILTER
          ? "Nothing spent in these days."
          : "Nothing spent with these filters.",
    });
    this.#charts = new SpendingCharts(order.theme, (filter) => this.#choose(filter));
    this.element.append(
      make("div", { class: "bar" }, this.#picker.element, this.#export.element),
      this.#problem,
      this.#totals,
      this.#charts.element,
      make(
        "section",
        { class: "requests", "aria-label": "Requests" },
        make(
          "div",
          { class: "list-head" },
          make("div", {}, make("h2", {}, "Requests"), this.#sums),
          this.#filters.element,
        ),
        this.#table.element,
      ),
      this.#status,
    );
    this.#render();
  }

  /** Of the last so many days until today, whenever today is. */
  showDays(count: number): void {
    this.#take(count, lastDays(count, new Date()));
  }

  dropFilters(): void {
    this.#filter = NO_FILTER;
  }

  start(farebox: Farebox): void {
    this.#farebox = farebox;
    this.#charts.start();
    this.#begin();
  }

  stop(): void {
    this.#farebox = null;
    this.#summaries = null;
    this.#load.forget();
    this.#table.forget();
    this.#export.cancel();
    this.#charts.stop();
    this.#render();
  }

  /** Something was spent: looks for what is new, and shows what it has until then. */
  refresh(): void {
    if (this.#preset !== null) {
      const range = lastDays(this.#preset, new Date());
      // A new day has begun.
      if (range.to !== this.#range.to) return this.#take(this.#preset, range);
    }
    this.#ask();
    this.#table.refresh();
  }

  recolour(): void {
    this.#charts.recolour();
  }

  #take(count: number | null, range: DayRange): void {
    this.#preset = count;
    this.#range = range;
    const { model, day } = this.#filter;
    if (day !== null && (day < range.from || (day > range.to && range.isOpen !== true))) {
      this.#filter = model === null ? NO_FILTER : { model, day: null };
    }
    this.#begin();
  }

  #begin(): void {
    this.#summaries = null;
    this.#problem.hidden = true;
    this.#export.cancel();
    this.#render();
    this.#ask();
    this.#list();
  }

  #ask(): void {
    const farebox = this.#farebox;
    if (farebox === null) return;
    const times = timesOf(this.#range);
    if (this.#summaries === null) this.#order.became("loading");
    void this.#load.start(
      async () => {
        const [byDay, byModel] = await Promise.all([
          farebox.usageSummary({ by: "day", ...times }),
          farebox.usageSummary({ by: "model", ...times }),
        ]);
        return { byDay, byModel };
      },
      {
        loaded: (summaries) => {
          const isFirst = this.#summaries === null;
          this.#summaries = summaries;
          this.#problem.hidden = true;
          this.#render();
          this.#order.became("ready");
          const { cost, requests } = summaries.byDay.total;
          if (isFirst) this.#say(`${formatCost(cost)}, ${requestsText(requests)}`);
        },
        failed: (cause) => this.#failed(cause),
      },
    );
  }

  #failed(cause: unknown): void {
    if (codeOf(cause) === "FORBIDDEN") return this.#order.refused();
    // What is shown is still true; the next cost asks again.
    if (this.#summaries !== null) return;
    const retry = makeButton("Try again", { class: "button", part: "button retry" }, () => {
      this.#begin();
    });
    const words = failureText(cause, "The sums");
    this.#problem.replaceChildren(make("p", { role: "alert" }, words), retry);
    this.#problem.hidden = false;
    this.#order.became("error");
  }

  #list(): void {
    const farebox = this.#farebox;
    if (farebox === null) return;
    const { model, day } = this.#filter;
    const query = {
      ...timesOf(day === null ? this.#range : { from: day, to: day }),
      ...(model === null ? {} : { model }),
      limit: PAGE_RECORDS,
    };
    this.#table.start(async (before) => {
      const page = await farebox.usage(before === null ? query : { ...query, before });
      return { items: page.records, next: page.next_before };
    });
  }

  #choose({ model, day }: UsageFilter): void {
    this.#filter = model === null && day === null ? NO_FILTER : { model, day };
    this.#export.cancel();
    this.#render();
    this.#list();
    const of = model === null ? "" : ` of ${model}`;
    const on = day === null ? "" : ` on ${dayText(day)}`;
    this.#say(`Showing ${of + on === "" ? "all requests" : `requests${of}${on}`}`);
  }

  #render(): void {
    const summaries = this.#summaries;
    const range = this.#reach();
    this.#picker.show(range, this.#preset);
    this.#totals.replaceChildren(totalsList(summaries?.byDay.total ?? null));
    this.#charts.show(summaries, range, this.#filter);
    this.#sums.textContent = this.#sumsText();
    this.#filters.show(
      this.#filter,
      (summaries?.byModel.groups ?? []).map(({ key }) => key),
      daysOf(range).filter((day) => summaries?.byDay.groups.some(({ key }) => key === day))
        .toReversed(),
    );
  }

  /** The days that are shown: as they were chosen, or until the newest charge. */
  #reach(): DayRange {
    return reachOf(this.#range, this.#summaries?.byDay.groups ?? []);
  }

  /** Of what is listed; nothing where two filters make sums that were not asked for. */
  #sumsText(): string {
    const { model, day } = this.#filter;
    if (this.#summaries === null || (model !== null && day !== null)) return "";
    const { byDay, byModel } = this.#summaries;
    const sums = model !== null
      ? byModel.groups.find(({ key }) => key === model)
      : day !== null
      ? byDay.groups.find(({ key }) => key === day)
      : byDay.total;
    return sums === undefined ? "" : `${requestsText(sums.requests)}, ${formatCost(sums.cost)}`;
  }

  #say(words: string): void {
    this.#status.textContent = words;
  }
}
