/**
 * Splits an SQL script into its statements, so that a migration's failure can name the one at fault.
 */

/** One statement, without its semicolon; `line` is where it starts, counted from 1. */
export interface SqlStatement {
  readonly text: string;
  readonly line: number;
}

/** What a piece of a script is: only `semicolon` and `word` mean something to the splitter. */
const PIECES = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*)`,
    String.raw`(?<open>/\*)`,
    String.raw`(?<escaped>\b[eE]'(?:\\.|''|[^'\\])*'?)`,
    String.raw`(?<quoted>'(?:''|[^'])*'?|"(?:""|[^"])*"?)`,
    String.raw`(?<dollar>(?<![\w$])\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<semicolon>;)`,
    String.raw`(?<other>[^])`,
  ].join("|"),
  "gs",
);

/** The statements in order; pieces with nothing but comments and space are left out. */
export function splitStatements(script: string): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let start = 0;
  let hasCode = false;
  // Above 0 inside `begin atomic … end`, the one place where a statement contains semicolons.
  let atomicDepth = 0;
  let lastWord = "";

  const finish = (end: number) => {
    const text = script.slice(start, end);
    const lead = text.length - text.trimStart().length;
    const line = script.slice(0, start + lead).split("\n").length;
    if (hasCode) statements.push({ text: text.trim(), line });
    hasCode = false;
    atomicDepth = 0;
    lastWord = "";
  };

  PIECES.lastIndex = 0;
  for (let match = PIECES.exec(script); match !== null; match = PIECES.exec(script)) {
    const piece = match.groups!;
    if (piece.comment !== undefined) continue;
    if (piece.open !== undefined) {
      PIECES.lastIndex = endOfComment(script, match.index);
      continue;
    }
    if (piece.semicolon !== undefined && atomicDepth === 0) {
      finish(match.index);
      start = match.index + 1;
      continue;
    }
    if (piece.dollar !== undefined) {
      const end = script.indexOf(piece.dollar, PIECES.lastIndex);
      PIECES.lastIndex = end === -1 ? script.length : end + piece.dollar.length;
    }
    if (piece.word !== undefined) {
      const word = piece.word.toLowerCase();
      if (word === "atomic" && lastWord === "begin") atomicDepth = 1;
      else if (word === "case" && atomicDepth > 0) atomicDepth++;
      else if (word === "end" && atomicDepth > 0) atomicDepth--;
      lastWord = word;
    }
    if (piece.other === undefined || piece.other.trim() !== "") hasCode = true;
  }
  finish(script.length);
  return statements;
}

/** Block comments nest in PostgreSQL. */
function endOfComment(script: string, start: number): number {
  let depth = 0;
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  for (let mark = marks.exec(script); mark !== null; mark = marks.exec(script)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return script.length;
}
