/** What events of a stream have in common, found from two of them: their shape. */
import type { JsonObject } from "./dialect.ts";
import { objectOf, parseJson } from "./json_reading.ts";
import type { SplitEvent } from "./sse_events.ts";

/** What may stand in a gap: the inside of a JSON string, or the digits of a number. */
export type Gap = "string" | "number";

/** Bytes that are always the same, and what follows them; `null` after the last ones. */
export interface Piece {
  readonly literal: Uint8Array;
  readonly gap: Gap | null;
}

export interface Shape {
  readonly pieces: readonly Piece[];
  readonly event: string | null;
  /** Length of the data without what fills the gaps, in UTF-16 units. */
  readonly literalLength: number;
  /** The object with these values in its gaps, in their order; `null` while there is no gap. */
  readonly grow: ((values: readonly (string | number)[]) => JsonObject) | null;
  readonly tokens: readonly string[];
  /** Which of the tokens are gaps. */
  readonly isGap: readonly boolean[];
}

/** At most an `event` line, one line of data, the blank line: what fills gaps cannot change that. */
const PLAIN_EVENT = /^((?:event:[^\r\n]*\r?\n)?data: ?)(\{[^\r\n]*\})(\r?\n\r?\n)$/;
/** To find so many costs more than to read the event in full, which then may not be repeated. */
const GAPS_MAX = 128;
/** Strings, digits, and what is between them. */
const TOKENS = /"(?:[^"\\]|\\.)*"|\d+|[^"\d]+/g;

/**
 * The shape of an event and of the one before it: gaps are where they differ, and where that one
 * had some. Without a like one before, it is a shape without gaps, which matches nothing.
 *
 * @returns `null` for an event that has none.
 */
export function compileShape(
  event: SplitEvent,
  text: string,
  before: Shape | null,
): Shape | null {
  const [, head = "", data = "", tail = ""] = PLAIN_EVENT.exec(text) ?? [];
  if (data === "" || event.data !== data) return null;
  const tokens = data.match(TOKENS) ?? [];
  if (tokens.join("") !== data) return null;
  const isLike = before !== null && before.tokens.length === tokens.length &&
    tokens.every((token, i) =>
      kindOf(token) === kindOf(before.tokens[i]!) || token === before.tokens[i]
    );
  const isGap = tokens.map((token, i) =>
    isLike && (before.isGap[i]! || token !== before.tokens[i])
  );
  const bare = { event: event.event, tokens, isGap, pieces: [], literalLength: 0, grow: null };
  const gaps = isGap.filter((gap) => gap).length;
  if (gaps === 0) return bare;
  if (gaps > GAPS_MAX) return { ...bare, isGap: tokens.map(() => false) };
  const kinds = tokens.map((token, i) => isGap[i] ? kindOf(token) : null);
  // Two that differ in more than values are not alike; and a part of a number is no value: a small
  // fraction after a large mark would be rounded away.
  if (kinds.some((kind, i) => isGap[i] && (kind === null || isPartOfNumber(tokens, i)))) {
    return { ...bare, isGap: tokens.map(() => false) };
  }
  const grow = growerOf(tokens, kinds);
  if (grow === null) return { ...bare, isGap: tokens.map(() => false) };
  const filled = tokens.map((token, i) =>
    kinds[i] === null ? 0 : kinds[i] === "string" ? token.length - 2 : token.length
  );
  const literalLength = data.length - filled.reduce((sum, length) => sum + length, 0);
  return { ...bare, pieces: piecesOf(head, tokens, kinds, tail), grow, literalLength };
}

function piecesOf(
  head: string,
  tokens: readonly string[],
  kinds: readonly (Gap | null)[],
  tail: string,
): Piece[] {
  const encoder = new TextEncoder();
  const pieces: Piece[] = [];
  let literal = head;
  for (const [i, token] of tokens.entries()) {
    const gap = kinds[i] ?? null;
    if (gap === null) {
      literal += token;
      continue;
    }
    const quote = gap === "string" ? '"' : "";
    pieces.push({ literal: encoder.encode(literal + quote), gap });
    literal = quote;
  }
  return [...pieces, { literal: encoder.encode(literal + tail), gap: null }];
}

function isPartOfNumber(tokens: readonly string[], i: number): boolean {
  return /^\d/.test(tokens[i]!) &&
    (/^[.eE]/.test(tokens[i + 1] ?? "") || /[-+.eE]$/.test(tokens[i - 1] ?? ""));
}

function kindOf(token: string): Gap | null {
  if (token.startsWith('"')) return "string";
  return /^\d/.test(token) ? "number" : null;
}

/** An object with gaps, or an array: what of it is the same, and where it is not. */
interface Branch {
  readonly same: JsonObject | readonly unknown[];
  readonly gaps: { readonly key: string; readonly gap: number }[];
  readonly branches: { readonly key: string; readonly branch: Branch }[];
}

/**
 * Finds the gaps in the object by parsing it with a mark in each. A mark that is not found once, as
 * a value of its own, was a key, a part of another value, or is overruled by a second field of its
 * name: then there is no telling, and `null`.
 */
function growerOf(tokens: readonly string[], kinds: readonly (Gap | null)[]): Shape["grow"] {
  const marks = new Map<unknown, number>();
  // Unknown to whoever wrote the event, or a text of it could pass for a gap.
  const secret = crypto.randomUUID();
  const number = 1e14 + Math.floor(Math.random() * 7e14);
  const marked = tokens.map((token, i) => {
    const kind = kinds[i];
    if (kind === null || kind === undefined) return token;
    const mark = kind === "string" ? `${secret} ${marks.size}` : number + marks.size * 7919;
    marks.set(mark, marks.size);
    return JSON.stringify(mark);
  });
  const data = objectOf(parseJson(marked.join("")));
  if (data === null) return null;
  const found: number[] = [];
  let hasProto = false;

  function branchOf(same: JsonObject | readonly unknown[]): Branch | null {
    const branch: Branch = { same, gaps: [], branches: [] };
    for (const [key, value] of Object.entries(same)) {
      const gap = marks.get(value);
      if (gap !== undefined) {
        found.push(gap);
        branch.gaps.push({ key, gap });
      } else if (typeof value === "object" && value !== null) {
        const inner = branchOf(value as JsonObject);
        if (inner === null) continue;
        branch.branches.push({ key, branch: inner });
      } else continue;
      // Setting it would set the prototype.
      hasProto ||= key === "__proto__";
    }
    return branch.gaps.length + branch.branches.length === 0 ? null : branch;
  }

  const root = branchOf(data);
  const isFound = found.length === marks.size && new Set(found).size === marks.size;
  if (root === null || hasProto || !isFound) return null;
  return (values) => grow(root, values) as JsonObject;
}

/** A copy with these values in its gaps. What has no gap is shared. */
function grow({ same, gaps, branches }: Branch, values: readonly (string | number)[]): unknown {
  const copy = (Array.isArray(same) ? [...same] : { ...same }) as Record<string, unknown>;
  for (const { key, gap } of gaps) copy[key] = values[gap];
  for (const { key, branch } of branches) copy[key] = grow(branch, values);
  return copy;
}
