/** What comes of a stream as long as nothing in it is an event. */
import { joinedBytes } from "../../../shared/edge/joined_bytes.ts";
import type { SplitEvent } from "../../../shared/llm/sse_events.ts";

/** More is no answer that somebody forgot to call JSON. */
const BYTES_MAX = 16 * 1024 * 1024;

export interface Eventless {
  add(event: SplitEvent): void;
  /** All that came, where it is no event but more than comments; else `null`. */
  bytes(): Uint8Array | null;
}

/**
 * Keeps a copy until the first event with data, which is mostly the very first bytes. Some providers
 * answer a streamed request with JSON under another content type: read as events there is nothing in
 * it, and it would be given away.
 */
export function createEventless(): Eventless {
  let kept: Uint8Array<ArrayBuffer>[] | null = [];
  let sizeBytes = 0;
  let isMoreThanComments = false;
  return {
    add(event) {
      if (kept === null) return;
      const { bytes, data, comment, oversized } = event;
      sizeBytes += bytes.length;
      if (data !== null || oversized || sizeBytes > BYTES_MAX) {
        kept = null;
        return;
      }
      isMoreThanComments ||= comment === null && bytes.length > 2;
      kept.push(bytes.slice());
    },
    bytes() {
      if (kept === null || !isMoreThanComments) return null;
      return joinedBytes(kept);
    },
  };
}
