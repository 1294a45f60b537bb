/** A copy of an answer as the client got it, for its history and for a retry of the same request. */
import { createAnswerText, textOfWholeAnswer } from "../../../shared/llm/answer_text.ts";
import type { DialectName } from "../../../shared/llm/dialect.ts";

/** What is longer is not kept: an isolate has 256 MB for all of its requests. */
export const KEPT_BYTES_MAX = 4 * 1024 * 1024;
const FIRST_BYTES = 16 * 1024;

export type Captured = {
  /** What of it a person reads. */
  answer: string;
  /** All of its bytes; null where they are too many to be kept. */
  response: Uint8Array | null;
};

export interface Capture {
  /** Takes bytes of the answer, in order. The caller may use them as it likes afterwards. */
  add(bytes: Uint8Array): void;
  /** What came, once. */
  end(): Captured;
}

/**
 * Captures one answer. Its text is read at the end, from the copy; only of an answer that is too
 * long for a copy it is read as the answer comes.
 */
export function createCapture(dialect: DialectName): Capture {
  const text = createAnswerText(dialect, KEPT_BYTES_MAX);
  /** The bytes so far, and room for more; null once they are too many. */
  let kept: Uint8Array | null = new Uint8Array(FIRST_BYTES);
  let sizeBytes = 0;

  return {
    add(bytes) {
      if (kept !== null && sizeBytes + bytes.length > KEPT_BYTES_MAX) {
        text.add(kept.slice(0, sizeBytes));
        kept = null;
      }
      // A copy, as it may wait for the rest of its event.
      if (kept === null) return text.add(bytes.slice());
      if (sizeBytes + bytes.length > kept.length) kept = grown(kept, sizeBytes + bytes.length);
      kept.set(bytes, sizeBytes);
      sizeBytes += bytes.length;
    },
    end() {
      if (kept === null) return { answer: text.end(), response: null };
      const response = kept.subarray(0, sizeBytes);
      text.add(response);
      return { answer: text.end() || textOfWholeAnswer(response, dialect), response };
    },
  };
}

function grown(bytes: Uint8Array, leastBytes: number): Uint8Array {
  const larger = new Uint8Array(Math.min(KEPT_BYTES_MAX, Math.max(leastBytes, 2 * bytes.length)));
  larger.set(bytes);
  return larger;
}
