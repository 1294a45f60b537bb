/**
 * The end of an answer that still streams, as if its writer had finished: marks that have yet to be
 * closed are closed, and what only the next characters decide is left out. Without it asterisks and
 * bars would flicker into bold words and tables. Pure.
 */

/** A line that is nothing but the begin of something: `-`, `##`, `1.`, `>`, ` ``` `. */
const ONLY_MARKS = /^\s*(?:[-=*+#>|`~]+|\d+[.)]?)\s*$/;
/** Of a trimmed line. */
const TABLE_RULE = /^(?:\|\s*)?:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;
/** A link or picture whose address has yet to end. */
const OPEN_LINK = /!?\[([^\]\n]*)(?:\](?:\([^)\n]*)?)?$/;
/** Of some length: `a < b` is no tag. */
const OPEN_TAG = /<\/?(?:[a-z][^>\n]{0,40})?$/i;

/**
 * Some patterns here take the square of the tail's length, at every token. A paragraph longer than
 * this, which is mostly a model that repeats itself, is shown as it comes.
 */
const TAIL_CHARACTERS_MAX = 4_000;

/** @param text all that has come. */
export function streamedText(text: string): string {
  if (isInFence(text)) return text.replace(/\n[ \t]*[`~]{1,2}$/, "");
  const start = text.lastIndexOf("\n\n") + 1;
  if (text.length - start > TAIL_CHARACTERS_MAX) return text;
  const [before, tail] = [text.slice(0, start), withoutOpenTable(text.slice(start))];
  const lines = tail.split("\n");
  const last = lines.at(-1) ?? "";
  if (ONLY_MARKS.test(last)) return before + lines.slice(0, -1).join("\n");
  return before + closed(tail.replace(OPEN_LINK, "$1").replace(OPEN_TAG, ""));
}

function isInFence(text: string): boolean {
  let open: string | null = null;
  for (const [, fence = ""] of text.matchAll(/^[ \t]{0,3}(`{3,}|~{3,})/gm)) {
    if (open === null) open = fence;
    else if (fence[0] === open[0] && fence.length >= open.length) open = null;
  }
  return open !== null;
}

/** A head becomes one with the line below it. */
function withoutOpenTable(tail: string): string {
  const lines = tail.split("\n");
  const head = lines.findIndex((line) => line.startsWith("|"));
  if (head === -1 || (lines.length > head + 2 && TABLE_RULE.test(lines[head + 1]!.trim()))) {
    return tail;
  }
  const isTable = lines.length <= head + 1 || /^[\s|:-]*$/.test(lines[head + 1]!);
  return isTable ? lines.slice(0, head).join("\n") : tail;
}

/** Closes code, bold and italic words, the last opened first. */
function closed(tail: string): string {
  const text = tail.replace(/[*_`~]+$/, (marks) => isClosing(tail, marks) ? marks : "");
  const code = text.match(/`+/g) ?? [];
  if (code.length % 2 === 1) return text + code.at(-1);
  const prose = text.split(/`+/).filter((_, at) => at % 2 === 0).join("");
  const bold = (prose.match(/\*\*/g)?.length ?? 0) % 2 === 1;
  const italic = (prose.replace(/\*\*/g, "").match(/\*(?=\S)|(?<=\S)\*/g)?.length ?? 0) % 2 === 1;
  if (!bold && !italic) return text;
  return text.trimEnd() + (italic ? "*" : "") + (bold ? "**" : "");
}

/** Whether the marks at the end close what the same marks have opened. */
function isClosing(tail: string, marks: string): boolean {
  const before = tail.slice(0, -marks.length);
  return before.split(marks).length % 2 === 0;
}
