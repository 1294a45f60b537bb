/** The chunks of a provider's answer, each in a buffer of its own that is not much larger. */

/** The part of a reader that a relay needs. */
export interface Chunks {
  /** @param lastBytes length of the chunk before: where it was long, there is room for more. */
  read(lastBytes: number): Promise<ReadableStreamReadResult<Uint8Array>>;
  cancel(): Promise<void>;
}

/**
 * The first buffers, of a few events. Left to itself Deno's `fetch` fills 64 KiB with zeros for each
 * read, which is more work than all that a relay does with an event.
 */
const FIRST_BYTES = 2 * 1024;
const MOST_BYTES = 64 * 1024;

/** Reads a stream; one that takes no buffers, as it is none of bytes, as it comes. */
export function chunksOf(stream: ReadableStream<Uint8Array>): Chunks {
  const reader = byobReaderOf(stream);
  if (reader === null) return stream.getReader();
  let sizeBytes = FIRST_BYTES;
  return {
    read(lastBytes) {
      if (lastBytes === sizeBytes) sizeBytes = Math.min(MOST_BYTES, sizeBytes * 2);
      return reader.read(new Uint8Array(sizeBytes));
    },
    cancel: () => reader.cancel(),
  };
}

function byobReaderOf(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}
