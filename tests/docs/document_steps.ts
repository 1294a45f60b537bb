/**
 * The steps of a document that can be executed: its fenced blocks, in order.
 *
 * A block of `sh` or `sql` is executed as it stands, unless its fence says `by-hand`. A block of
 * `text` after it is what to see: its lines are found in the output, in their order, where `…` stands
 * for anything.
 */
export interface Step {
  readonly kind: "sh" | "sql";
  readonly code: string;
  /** Where it stands in the document. */
  readonly line: number;
  /** The heading above it. */
  readonly heading: string;
  readonly isByHand: boolean;
  /** Lines to see; empty where the document does not say. */
  readonly see: readonly string[];
}

/** Reads the steps of a Markdown text. */
export function readSteps(markdown: string): Step[] {
  const steps: Step[] = [];
  let heading = "";
  let block: { info: string; line: number; lines: string[] } | null = null;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (block === null && fence) block = { info: fence[1]!, line: index + 1, lines: [] };
    else if (block !== null && fence) {
      const [kind, ...marks] = block.info.split(" ");
      const code = block.lines.join("\n");
      if (kind === "sh" || kind === "sql") {
        const isByHand = marks.includes("by-hand");
        steps.push({ kind, code, line: block.line, heading, isByHand, see: [] });
      } else if (kind === "text" && steps.length > 0) {
        steps.push({ ...steps.pop()!, see: block.lines.filter((seen) => seen.trim() !== "") });
      }
      block = null;
    } else if (block !== null) block.lines.push(line);
    else if (line.startsWith("#")) heading = line.replace(/^#+ /, "");
  }
  return steps;
}

/** The first line to see that is not in the output after the ones before it; null when all are. */
export function missing(see: readonly string[], output: string): string | null {
  let from = 0;
  for (const line of see) {
    const pattern = line.trim().split("…").map(escapeRegExp).join("[^\\n]*");
    const found = new RegExp(pattern).exec(output.slice(from));
    if (found === null) return line;
    from += found.index + found[0].length;
  }
  return null;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
