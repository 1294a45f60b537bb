import { createEventReader } from "./sse_reading.ts";

/**
 * One server-sent event as it came. All `bytes` of a stream, in order, are the stream: nothing is
 * added, dropped or changed. `event`, `data` and `comment` are a reading of the same bytes.
 */
export interface SplitEvent {
  /**
   * The exact bytes, with the blank line that ends the event. A view of the chunk where the event
   * lies within one; so a caller must not reuse a chunk's buffer before the bytes are written.
   */
  readonly bytes: Uint8Array;
  /**
   * True when the bytes end where an event ends: only then may anything be written in between.
   * False for a part of an oversized event and for what is left over at the end of the stream.
   */
  readonly complete: boolean;
  /** True when the event is longer than the cap: its bytes come in parts, unread. */
  readonly oversized: boolean;
  /**
   * True where its reading is a matter of these bytes alone. False for an event that ends with CR,
   * and for all after it: an LF may follow that belongs to it.
   */
  readonly isAlone: boolean;
  /** The `event:` field, or `null`. */
  readonly event: string | null;
  /** The `data:` fields, joined by line feeds, or `null` where there is none. */
  readonly data: string | null;
  /** The comment lines (`: keep-alive`), joined by line feeds, or `null`. */
  readonly comment: string | null;
}

export interface EventSplitter {
  /** Takes the next chunk, cut anywhere; returns what is now complete, in order. Never throws. */
  push(chunk: Uint8Array): SplitEvent[];
  /** At the end of the stream: what no blank line ended, read as if one had; `null` if nothing. */
  flush(): SplitEvent | null;
}

export interface SplitterOptions {
  /** Longer events are passed on unread, in parts, so that memory stays bounded. */
  readonly maxEventBytes?: number;
}

/**
 * 16 MiB. Text never comes near it; but the last event of a Responses stream repeats the whole
 * answer, and Gemini sends images inline, each with the usage in the same event.
 */
export const EVENT_BYTES_MAX = 16 * 1024 * 1024;

const LF = 10;
const CR = 13;

/** What the bytes so far ended with. */
type Position =
  /** A line's end, or nothing yet: a terminator here is the blank line that ends the event. */
  | "line_start"
  /** A part of a line. */
  | "in_line"
  /** A CR that ended a line: an LF would belong to it. */
  | "after_cr"
  /** A CR that was a blank line: the event waits for the next byte, as an LF would belong to it. */
  | "after_blank_cr"
  /** CR CR: the event was handed out, for a stream of bare CRs must not wait. An LF would be stray. */
  | "after_bare_crs";

/**
 * Splits a stream of server-sent events at its blank lines (LF LF, CRLF CRLF, CR CR or mixed), and
 * has each event read by `eventsource-parser`. The result does not depend on how the stream was
 * chunked, save for the parts of an oversized event. Work is linear in the bytes; an event within
 * one chunk is never copied, and an event is decoded when it is
 * read, once.
 */
export function createEventSplitter(options: SplitterOptions = {}): EventSplitter {
  const maxEventBytes = options.maxEventBytes ?? EVENT_BYTES_MAX;
  const read = createEventReader();
  const held = createHeldBytes();
  let at: Position = "line_start";
  /** True from the moment an event passes the cap until the blank line that ends it. */
  let oversized = false;

  function complete(bytes: Uint8Array): SplitEvent {
    const unreadable = oversized || bytes.length > maxEventBytes;
    oversized = false;
    return unreadable ? oversizedPart(bytes, true) : read(bytes);
  }

  function push(chunk: Uint8Array): SplitEvent[] {
    const events: SplitEvent[] = [];
    const length = chunk.length;
    let start = 0;
    let i = 0;
    let nextCr = chunk.indexOf(CR);
    let nextLf = chunk.indexOf(LF);

    const end = (index: number, next: Position) => {
      events.push(complete(held.take(chunk.subarray(start, index))));
      start = index;
      at = next;
    };

    while (i < length) {
      const byte = chunk[i];
      switch (at) {
        case "in_line": {
          if (nextLf !== -1 && nextLf < i) nextLf = chunk.indexOf(LF, i);
          if (nextCr !== -1 && nextCr < i) nextCr = chunk.indexOf(CR, i);
          if (nextLf === -1 && nextCr === -1) {
            i = length;
          } else if (nextCr === -1 || (nextLf !== -1 && nextLf < nextCr)) {
            i = nextLf + 1;
            at = "line_start";
          } else {
            i = nextCr + 1;
            at = "after_cr";
          }
          break;
        }
        case "line_start":
          if (byte === LF) end(++i, "line_start");
          else if (byte === CR) {
            i++;
            at = "after_blank_cr";
          } else at = "in_line";
          break;
        case "after_cr":
          if (byte === CR) end(++i, "after_bare_crs");
          else if (byte === LF) {
            i++;
            at = "line_start";
          } else at = "in_line";
          break;
        case "after_blank_cr":
          if (byte === LF) i++;
          end(i, "line_start");
          break;
        case "after_bare_crs":
          if (byte === LF) i++;
          at = "line_start";
          break;
      }
    }

    if (start < length) held.add(chunk.subarray(start));
    if (held.length() > maxEventBytes || (oversized && held.length() > 0)) {
      // A blank CR that may yet get its LF stays within the part: only the next byte can tell.
      oversized = true;
      events.push(oversizedPart(held.take(NOTHING), false));
    }
    return events;
  }

  function flush(): SplitEvent | null {
    const bytes = held.take(NOTHING);
    if (at === "after_blank_cr") {
      at = "line_start";
      return complete(bytes);
    }
    if (bytes.length === 0) return null;
    return oversized ? oversizedPart(bytes, false) : read(bytes, "\n\n");
  }

  return { push, flush };
}

const NOTHING = new Uint8Array(0);

function oversizedPart(bytes: Uint8Array, complete: boolean): SplitEvent {
  return {
    bytes,
    complete,
    oversized: true,
    isAlone: false,
    event: null,
    data: null,
    comment: null,
  };
}

interface HeldBytes {
  length(): number;
  add(bytes: Uint8Array): void;
  /** What was held followed by `rest`, and holds nothing more. `rest` itself if nothing was held. */
  take(rest: Uint8Array): Uint8Array;
}

/** The start of an event whose end is in a later chunk, in one buffer that doubles: linear work. */
function createHeldBytes(): HeldBytes {
  let buffer = NOTHING;
  let used = 0;

  function add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (used + bytes.length > buffer.length) {
      const grown = new Uint8Array(Math.max(512, 2 * (used + bytes.length)));
      grown.set(buffer.subarray(0, used));
      buffer = grown;
    }
    buffer.set(bytes, used);
    used += bytes.length;
  }

  function take(rest: Uint8Array): Uint8Array {
    if (used === 0) return rest;
    add(rest);
    const taken = buffer.subarray(0, used);
    buffer = NOTHING; // Handed out: the next event gets a buffer of its own.
    used = 0;
    return taken;
  }

  return { length: () => used, add, take };
}
