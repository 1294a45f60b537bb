/** A chart with its heading, its words, and its table for those who do not see it. */
import { make } from "./dom.ts";
import { formatCost } from "./money_text.ts";
import { HIDDEN_CLASS } from "./styles.ts";
import type { Bar, BarChart, BarOrder } from "./usage_bars.ts";

export interface ChartFrameOrder extends Omit<BarOrder, "press"> {
  readonly name: string;
  readonly heading: string;
  /** Of the table's first column. */
  readonly column: string;
  readonly press: (bar: Bar) => void;
}

const BAR_PX = 30;
const AXIS_PX = 16;

/** The module with Chart.js, asked for once, when the first chart is in a page. */
let drawing: Promise<typeof import("./usage_charts.ts")> | undefined;

function loadDrawing(): Promise<typeof import("./usage_charts.ts")> {
  return drawing ??= import("./usage_charts.ts").catch((cause) => {
    // The next look tries again.
    drawing = undefined;
    throw cause;
  });
}

export class ChartFrame {
  readonly element: HTMLElement;
  readonly #order: ChartFrameOrder;
  readonly #canvas = make("canvas", { role: "img" });
  readonly #plot: HTMLDivElement;
  readonly #bone = make("div", { class: "bone plot-bone" });
  readonly #empty = make("p", { class: "muted empty", hidden: true }, "Nothing to draw.");
  /** For readers; a box around it, for a table is as wide as its words whatever it is told. */
  readonly #table: HTMLDivElement;
  readonly #rows = make("tbody", {});
  #chart: BarChart | null = null;
  #bars: readonly Bar[] | null = null;
  /** Rises at each start and stop: a chart that is made late is for nobody. */
  #turn = 0;

  constructor(order: ChartFrameOrder) {
    this.#order = order;
    this.#plot = make("div", { class: `plot ${order.direction}`, hidden: true }, this.#canvas);
    const head = ["Cost", "Requests"].map((name) => make("th", { scope: "col" }, name));
    const table = make(
      "table",
      {},
      make("caption", {}, order.heading),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, order.column), ...head)),
      this.#rows,
    );
    this.#table = make("div", { class: HIDDEN_CLASS }, table);
    this.element = make(
      "section",
      { class: "chart", part: `chart chart-${order.name}`, "aria-label": order.heading },
      make("h2", {}, order.heading),
      this.#bone,
      this.#plot,
      this.#empty,
      this.#table,
    );
  }

  /** It is in a page now. */
  start(): void {
    const turn = ++this.#turn;
    loadDrawing().then(
      ({ drawBars }) => {
        if (turn !== this.#turn) return;
        const { direction, palette, isStill, press } = this.#order;
        this.#plot.hidden = false;
        this.#chart = drawBars(this.#canvas, {
          direction,
          palette,
          isStill,
          press: (index) => {
            const bar = this.#bars?.[index];
            if (bar !== undefined) press(bar);
          },
        });
        this.#draw();
      },
      () => {
        if (turn !== this.#turn) return;
        // The figures are here without a picture.
        this.#table.classList.remove(HIDDEN_CLASS);
        this.#bone.hidden = true;
      },
    );
  }

  stop(): void {
    this.#turn++;
    this.#chart?.destroy();
    this.#chart = null;
  }

  /** @param bars null while they are loading. */
  show(bars: readonly Bar[] | null, words: string): void {
    this.#bars = bars;
    this.#canvas.setAttribute("aria-label", words);
    this.#rows.replaceChildren(...(bars ?? []).map(({ title, cost, detail }) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, title),
        make("td", {}, formatCost(cost)),
        make("td", {}, detail),
      )
    ));
    this.#draw();
  }

  recolour(): void {
    if (this.#bars !== null) this.#chart?.recolour();
  }

  #draw(): void {
    const bars = this.#bars;
    const hasChart = this.#chart !== null;
    const isEmpty = bars?.length === 0;
    this.#bone.hidden = bars !== null && (hasChart || isEmpty);
    this.#empty.hidden = !isEmpty;
    this.#plot.hidden = bars === null || !hasChart || isEmpty;
    if (bars === null || isEmpty) return;
    if (this.#order.direction === "across") {
      this.#plot.style.blockSize = `${bars.length * BAR_PX + AXIS_PX}px`;
    }
    this.#chart?.show(bars);
  }
}
