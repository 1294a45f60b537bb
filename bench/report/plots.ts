/** Plots as SVG, drawn by ECharts without a browser. */
import { type EChartsOption, init } from "echarts";
import type { Plot } from "../section.ts";

const WIDTH = 900;
const HEIGHT = 480;

/** The SVG of a plot: bars over categories, lines over numbers. */
export function plotSvg(plot: Plot): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(optionOf(plot));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

function optionOf({ title, x, y, series }: Plot): EChartsOption {
  const isCategory = x.scale === "category";
  const categories = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))];
  return {
    animation: false,
    // Readable on a dark page as well.
    backgroundColor: "#ffffff",
    title: { text: title, left: "center", top: 8 },
    legend: { top: 44, data: series.map(({ name }) => name) },
    grid: { left: 80, right: 30, top: 90, bottom: 60 },
    xAxis: isCategory
      ? {
        type: "category",
        name: x.title,
        nameLocation: "middle",
        nameGap: 34,
        data: categories.map(String),
        axisLabel: { interval: 0 },
      }
      : {
        type: x.scale === "log" ? "log" : "value",
        name: x.title,
        nameLocation: "middle",
        nameGap: 34,
      },
    yAxis: {
      type: y.scale === "log" ? "log" : "value",
      name: y.title,
      nameLocation: "middle",
      nameGap: 55,
    },
    series: series.map(({ name, points }) =>
      isCategory
        ? {
          type: "bar" as const,
          name,
          data: categories.map((category) =>
            points.find((point) => point.x === category)?.y ?? null
          ),
        }
        : { type: "line" as const, name, data: points.map((point) => [point.x, point.y]) }
    ),
  };
}
