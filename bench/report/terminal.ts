/** The report for a terminal. */
import { type Cell, type Paint, table } from "../../cli/table.ts";
import { isMet, type Section } from "../section.ts";
import { formatValue } from "./numbers.ts";

/** Lines: a part's figures, then its marks. */
export function sectionLines({ title, figures, marks }: Section, paint: Paint): string[] {
  const figureRows = figures.map(({ name, unit, median, min, max, runs }): Cell[] => [
    name,
    ["bold", formatValue(median)],
    unit,
    ["dim", `${formatValue(min)} – ${formatValue(max)}`],
    ["dim", String(runs)],
  ]);
  const markRows = marks.map((mark): Cell[] => [
    isMet(mark) ? ["green", "met"] : ["red", "missed"],
    mark.name,
    formatValue(mark.value),
    ["dim", `${mark.is === "at_least" ? "at least" : "at most"} ${formatValue(mark.limit)}`],
    mark.unit,
  ]);
  return [
    "",
    paint("bold", title),
    "",
    ...table(
      [
        { title: "figure" },
        { title: "median", align: "right" },
        { title: "unit" },
        { title: "spread", align: "right" },
        { title: "runs", align: "right" },
      ],
      figureRows,
      paint,
    ),
    ...(markRows.length === 0 ? [] : [
      "",
      ...table(
        [
          { title: "mark" },
          { title: "" },
          { title: "value", align: "right" },
          { title: "limit", align: "right" },
          { title: "unit" },
        ],
        markRows,
        paint,
      ),
    ]),
  ];
}
