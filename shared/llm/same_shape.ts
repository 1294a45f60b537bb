/**
 * Reads events that differ from those before in their texts and numbers alone, as nearly all of a
 * stream do, without reading the rest of them again.
 *
 * It gives exactly what a full reading would: outside of its gaps an event has the same bytes; a gap
 * holds one whole JSON string or whole number, in the place of a value that was found by trying; and
 * no gap can hold a line end, so the event has the same fields. Whatever is not so is not matched,
 * and has to be read in full.
 */
import type { JsonObject } from "./dialect.ts";
import { parseJson } from "./json_reading.ts";
import { compileShape, type Gap, type Shape } from "./shape_of_event.ts";
import type { SplitEvent } from "./sse_events.ts";

/** What a dialect's reader is told of an event beside its object. */
export interface EventHead {
  /** The `event:` field, or `null`. */
  readonly event: string | null;
  /** Length of its data, in UTF-16 units. */
  readonly dataLength: number;
}

export interface ReadAlready extends EventHead {
  /** A new object each time where it has a gap; the rest is shared and never changes. */
  readonly data: JsonObject;
}

export interface SameShape {
  /** The event as a full reading would give it; `null` where it has to be read in full. */
  match(event: SplitEvent): ReadAlready | null;
  /** Learns from an event that was read in full, and is one of many of its kind. */
  learn(event: SplitEvent): void;
}

/** A longer event takes its time by its text, not by what surrounds it. */
const LEARNED_BYTES_MAX = 4 * 1024;
/** Where no event is like the last one, this many are let pass at most before it is tried again. */
const PASSED_MAX = 255;
/** All integers of as many digits are exact. */
const DIGITS_MAX = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;

export function createSameShape(): SameShape {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let shape: Shape | null = null;
  let hasMatched = false;
  /** How many events are let pass before the next is learned from. */
  let toPass = 0;
  let passedLast = 0;
  const values: (string | number)[] = [];

  function learn(event: SplitEvent): void {
    if (!event.isAlone || event.bytes.length > LEARNED_BYTES_MAX) return;
    if (!hasMatched && toPass > 0) {
      toPass--;
      return;
    }
    shape = compileShape(event, decoder.decode(event.bytes), shape);
    // The first two make one shape; after that, each that helps nobody makes the next one rarer.
    passedLast = hasMatched ? 0 : Math.min(PASSED_MAX, 2 * passedLast + 1);
    toPass = passedLast >> 2;
    hasMatched = false;
  }

  function match({ isAlone, bytes }: SplitEvent): ReadAlready | null {
    if (shape === null || !isAlone || shape.grow === null) return null;
    let at = 0;
    let dataLength = shape.literalLength;
    values.length = 0;
    for (const { literal, gap } of shape.pieces) {
      const end = at + literal.length;
      if (end > bytes.length) return null;
      for (let i = 0; at < end; i++, at++) if (bytes[at] !== literal[i]) return null;
      if (gap === null) break;
      const stop = endOf(gap, bytes, at);
      if (stop === -1) return null;
      const text = textOf(bytes, at, stop);
      const value = valueOf(gap, text);
      if (value === undefined) return null;
      values.push(value);
      dataLength += text.length;
      at = stop;
    }
    if (at !== bytes.length) return null;
    hasMatched = true;
    return { data: shape.grow(values), event: shape.event, dataLength };
  }

  function textOf(bytes: Uint8Array, start: number, end: number): string {
    let text = "";
    // A call of the decoder takes longer than a word's few letters do.
    if (end - start > 32) return decoder.decode(bytes.subarray(start, end));
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte >= 0x80) return decoder.decode(bytes.subarray(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  return { match, learn };
}

/** Where what fills a gap ends; -1 where it is nothing that may. */
function endOf(gap: Gap, bytes: Uint8Array, start: number): number {
  let i = start;
  if (gap === "number") {
    while (i < bytes.length && bytes[i]! >= ZERO && bytes[i]! <= NINE) i++;
    const digits = i - start;
    const isNumber = digits === 1 || (digits <= DIGITS_MAX && bytes[start] !== ZERO);
    return digits > 0 && isNumber ? i : -1;
  }
  for (; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === QUOTE) return i;
    if (byte < 0x20) return -1;
    if (byte === BACKSLASH && bytes[++i]! < 0x20) return -1;
  }
  return -1;
}

/** The value of a gap's text; `undefined` where it is not one. */
function valueOf(gap: Gap, text: string): string | number | undefined {
  if (gap === "number") return Number(text);
  if (!text.includes("\\")) return text;
  const value = parseJson(`"${text}"`);
  return typeof value === "string" ? value : undefined;
}
