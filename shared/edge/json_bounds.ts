/**
 * Bounds the shape of JSON before it is parsed: a text that is cheap to send can be dear to hold.
 * Ten megabytes of `[],` become half a gigabyte of objects, and an isolate has a quarter of one; its
 * end would be the end of every answer that it is streaming.
 */
import type { Refusal } from "./refusal.ts";

/** A tool's schema may nest 20 deep; beyond 100 it is an attack on the next recursive parser. */
const DEPTH_MAX = 100;
/** Five thousand messages of several parts each have 100,000; parsed, this many are about 25 MB. */
const VALUES_MAX = 250_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Refuses JSON of too many levels or values with INVALID_REQUEST. One pass, without allocating; it
 * does not validate, that is the parser's part.
 */
export function boundJson(text: string): Refusal | null {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        if (++depth > DEPTH_MAX) return tooDeep();
        values++;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth--;
        break;
      case COMMA:
        values++;
        break;
    }
    if (values > VALUES_MAX) return tooMany();
  }
  return null;
}

/** Where the string that begins at `start` ends: its closing quote, or the end of an unclosed text. */
function endOfString(text: string, start: number): number {
  for (let end = start;;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    // An even number of backslashes escape each other, and not the quote.
    if ((end - first) % 2 === 0) return end;
  }
}

function tooDeep(): Refusal {
  return {
    code: "INVALID_REQUEST",
    message: `The body is nested more than ${DEPTH_MAX} levels deep. Flatten it.`,
  };
}

function tooMany(): Refusal {
  return {
    code: "INVALID_REQUEST",
    message: `The body has more than ${VALUES_MAX} values. Send fewer messages or parts.`,
  };
}
