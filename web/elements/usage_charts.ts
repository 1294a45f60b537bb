/**
 * Bars, drawn by Chart.js: the part of a usage page that is loaded on its own. Amounts become whole
 * numbers here for the length of a bar alone; every label is made of the decimal string.
 */
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  LinearScale,
  type Plugin,
  Tooltip,
} from "chart.js";
import { formatCost } from "./money_text.ts";
import {
  axisText,
  type Bar,
  type BarChart,
  type BarOrder,
  lengthOf,
  type Palette,
} from "./usage_bars.ts";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip);

const GROW_MS = 350;
const NARROW_PX = 420;
/** With less there is no room for amounts beside the bars. */
const AMOUNTS_PX = 270;
const LABEL_CHARS = 26;
const NARROW_LABEL_CHARS = 17;

/** Draws into `canvas`, whose parent gives the size. */
export function drawBars(canvas: HTMLCanvasElement, order: BarOrder): BarChart {
  const isAcross = order.direction === "across";
  let bars: readonly Bar[] = [];
  let palette: Palette = order.palette();

  const costsAtEnds: Plugin<"bar"> = {
    id: "costsAtEnds",
    afterDatasetsDraw(chart) {
      if (!isAcross || chart.width < AMOUNTS_PX) return;
      const { ctx } = chart;
      ctx.save();
      ctx.font = `12px ${palette.font}`;
      ctx.fillStyle = palette.muted;
      ctx.textBaseline = "middle";
      for (const [index, { x, y }] of chart.getDatasetMeta(0).data.entries()) {
        ctx.fillText(formatCost(bars[index]?.cost ?? ""), x + 8, y);
      }
      ctx.restore();
    },
  };

  const chart = new Chart<"bar", number[], string>(canvas, {
    type: "bar",
    data: { labels: [], datasets: [{ data: [] }] },
    plugins: [costsAtEnds],
    options: {
      indexAxis: isAcross ? "y" : "x",
      maintainAspectRatio: false,
      animation: order.isStill() ? false : { duration: GROW_MS },
      events: ["mousemove", "mouseout", "click", "touchstart"],
      interaction: { mode: "index", axis: isAcross ? "y" : "x", intersect: false },
      onClick(_event, [hit]) {
        if (hit !== undefined && bars[hit.index]?.isPressable) order.press(hit.index);
      },
      onHover(_event, [hit]) {
        const isPressable = hit !== undefined && bars[hit.index]?.isPressable === true;
        canvas.style.cursor = isPressable ? "pointer" : "default";
      },
      plugins: {
        tooltip: {
          displayColors: false,
          padding: 10,
          cornerRadius: 8,
          callbacks: {
            title: ([item]) => bars[item?.dataIndex ?? -1]?.title ?? "",
            label: (item) => {
              const bar = bars[item.dataIndex];
              return bar === undefined ? [] : [formatCost(bar.cost), bar.detail];
            },
          },
        },
      },
    },
  });

  function colour(): void {
    palette = order.palette();
    const { accent, faded, text, muted, line, surface, font } = palette;
    const isFiltered = bars.some(({ isChosen }) => isChosen);
    const fills = bars.map(({ isChosen }) => isFiltered && !isChosen ? faded : accent);
    const ticks = { color: muted, font: { family: font, size: 12 } };
    const amounts = {
      beginAtZero: true,
      border: { display: false },
      grid: { color: line, display: !isAcross, drawTicks: false },
      ticks: {
        ...ticks,
        display: !isAcross,
        maxTicksLimit: 5,
        padding: 8,
        callback: (value: number | string) => axisText(Number(value)),
      },
      // A little of an axis where nothing was spent.
      suggestedMax: lengthOf("0.0001"),
    };
    const names = {
      border: { color: line, display: !isAcross },
      grid: { display: false },
      ticks: isAcross
        ? {
          ...ticks,
          color: text,
          autoSkip: false,
          callback: (_value: number | string, index: number) =>
            shortName(bars[index]?.label ?? "", chart.width < NARROW_PX),
        }
        : { ...ticks, maxRotation: 0, autoSkipPadding: 16 },
    };
    chart.options.scales = isAcross ? { x: amounts, y: names } : { x: names, y: amounts };
    chart.options.layout = { padding: { right: isAcross ? endWidth() : 0, top: 4 } };
    Object.assign(chart.options.plugins!.tooltip!, {
      backgroundColor: text,
      titleColor: surface,
      bodyColor: surface,
      titleFont: { family: font, weight: 600 },
      bodyFont: { family: font },
    });
    chart.data = {
      labels: bars.map(({ label }) => label),
      datasets: [{
        data: bars.map(({ cost }) => lengthOf(cost)),
        backgroundColor: fills,
        // Given, for Chart.js cannot read every colour that CSS can say.
        hoverBackgroundColor: fills,
        borderRadius: 4,
        maxBarThickness: isAcross ? 18 : 44,
        categoryPercentage: 0.85,
        barPercentage: 0.9,
        minBarLength: 2,
      }],
    };
    // Nothing spent is no bar.
    if (!isAcross) delete chart.data.datasets[0]!.minBarLength;
  }

  function endWidth(): number {
    if (chart.width < AMOUNTS_PX) return 8;
    const { ctx } = chart;
    ctx.save();
    ctx.font = `12px ${palette.font}`;
    const widths = bars.map(({ cost }) => ctx.measureText(formatCost(cost)).width);
    ctx.restore();
    return 16 + Math.ceil(Math.max(0, ...widths));
  }

  return {
    show(next) {
      bars = next;
      colour();
      chart.update(order.isStill() ? "none" : undefined);
    },
    recolour() {
      colour();
      chart.update("none");
    },
    destroy: () => chart.destroy(),
  };
}

function shortName(name: string, isNarrow: boolean): string {
  const shown = isNarrow ? name.slice(name.indexOf(":") + 1) : name;
  const chars = isNarrow ? NARROW_LABEL_CHARS : LABEL_CHARS;
  return shown.length > chars ? `${shown.slice(0, chars - 1)}…` : shown;
}
