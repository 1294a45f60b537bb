/** Aligned columns for people. Colour only where a person looks: on a terminal, without NO_COLOR. */
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "green" | "yellow" | "red";

/** Styles a text, or leaves it alone. */
export type Paint = (style: Style, text: string) => string;

/** Paints on a terminal. */
export function paintFor(isTerminal: boolean): Paint {
  if (!isTerminal) return (_, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}

/** The paint of standard output. */
export function stdoutPaint(): Paint {
  return paintFor(Deno.stdout.isTerminal() && !Deno.noColor);
}

export interface Column {
  readonly title: string;
  /** Numbers stand right. */
  readonly align?: "left" | "right";
}

/** A cell, or a cell with a style. */
export type Cell = string | readonly [style: Style, text: string];

/** Lines of a table; a column that is empty in every row is left out. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
): string[] {
  const shown = columns.map((_, index) => rows.some((row) => textOf(row[index]) !== ""));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => textOf(row[index]).length))
  );
  const line = (cells: readonly Cell[]) => {
    const parts = columns.flatMap((column, index) => {
      if (!shown[index]) return [];
      const cell = cells[index] ?? "";
      const width = widths[index] ?? 0;
      const text = column.align === "right"
        ? textOf(cell).padStart(width)
        : textOf(cell).padEnd(width);
      return [typeof cell === "string" ? text : paint(cell[0], text)];
    });
    return `  ${parts.join("  ")}`.trimEnd();
  };
  return [line(columns.map(({ title }) => ["dim", title] as const)), ...rows.map(line)];
}

/** Without what would steer a terminal: others write some of it. */
function textOf(cell: Cell | undefined): string {
  return (typeof cell === "string" ? cell : cell?.[1] ?? "").replace(/\p{Cc}/gu, "?");
}
