/** What the bytes of a server-sent event say: read by `eventsource-parser`, when it is asked for. */
import { createParser } from "eventsource-parser";
import type { SplitEvent } from "./sse_events.ts";

const LF = 10;

/**
 * An event that is read when somebody asks for what it says: of most events of a stream nobody does,
 * for they are like the ones before.
 */
class UnreadEvent implements SplitEvent {
  readonly complete = true;
  readonly oversized = false;
  readonly isAlone = true;
  #reading: Reading | null = null;
  readonly #read: (bytes: Uint8Array) => Reading;

  constructor(readonly bytes: Uint8Array, read: (bytes: Uint8Array) => Reading) {
    this.#read = read;
  }

  get event(): string | null {
    return (this.#reading ??= this.#read(this.bytes)).event;
  }

  get data(): string | null {
    return (this.#reading ??= this.#read(this.bytes)).data;
  }

  get comment(): string | null {
    return (this.#reading ??= this.#read(this.bytes)).comment;
  }
}

/**
 * Makes events of whole ones' bytes, and of what is left at the end, with a terminator. Where a CR may
 * be half a line end, the parser keeps it for the next event: from there on all are read in order.
 */
export function createEventReader(): (bytes: Uint8Array, terminator?: string) => SplitEvent {
  const readInOrder = createParsing();
  const readAlone = createParsing();
  readAlone(new Uint8Array(0)); // No event of its own is the first of the stream.
  /** The first is read at once: the parser looks for a BOM in it. */
  let inOrder = true;
  let hasCr = false;
  return (bytes, terminator) => {
    hasCr ||= terminator === undefined && bytes[bytes.length - 1] !== LF;
    if (terminator === undefined && !inOrder && !hasCr) return new UnreadEvent(bytes, readAlone);
    inOrder = false;
    const complete = terminator === undefined;
    return {
      bytes,
      complete,
      oversized: false,
      isAlone: false,
      ...readInOrder(bytes, terminator),
    };
  };
}

type Reading = Pick<SplitEvent, "event" | "data" | "comment">;

/** Reads whole events one by one; the parser is kept, for it knows what went before. */
function createParsing(): (bytes: Uint8Array, terminator?: string) => Reading {
  // The BOM is left to the parser: the decoder would drop one at the start of every event.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let event: string | null = null;
  let data: string | null = null;
  let comment: string | null = null;
  const parser = createParser({
    onEvent(message) {
      event = message.event ?? null;
      data = data === null ? message.data : `${data}\n${message.data}`;
    },
    onComment(text) {
      comment = comment === null ? text : `${comment}\n${text}`;
    },
  });
  return (bytes, terminator = "") => {
    event = data = comment = null;
    parser.feed(decoder.decode(bytes) + terminator);
    return { event, data, comment };
  };
}
