/** The last that a reader gets: how a stream is closed, in its dialect's own terms, and what it cost. */
import type { DialectError } from "../../../shared/llm/dialect.ts";
import type { Meter } from "../../../shared/llm/meter.ts";
import { type End, END_CODES, type Outcome } from "./ending.ts";

/** What is written around the cost comment when an answer ends. */
export type Tail = {
  before: Uint8Array;
  after: Uint8Array;
  /** Passes on what of the provider's still follows. */
  rest?: () => Promise<void>;
};

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

export const NO_TAIL: Tail = { before: NOTHING, after: NOTHING };

/** As the dialect ends an answer at a length limit. */
export function earlyEnd(meter: Meter): Tail {
  const { closing, terminal } = meter.earlyEnd();
  return { before: closing, after: terminal };
}

/** The provider broke off. What it delivered is charged; the client is told in its own terms. */
export function brokenOff(meter: Meter, errorEvent: (error: DialectError) => Uint8Array): Tail {
  const message = meter.snapshot().hasContent
    ? "The provider broke off. What was received is charged; ask again for the rest."
    : "The provider broke off before it answered. Nothing was charged; try again.";
  const error = { status: 502, code: "UPSTREAM_ERROR", message };
  return { before: NOTHING, after: errorEvent(error) };
}

/** The comment that tells the cost; empty where there is nothing to tell. */
export function costComment(requestId: string, outcome: Outcome | null, end: End): Uint8Array {
  const code = END_CODES[end];
  if (outcome === null && code === null) return NOTHING;
  // JSON escapes the line breaks of SSE, but not those of Unicode, at which some readers split: so
  // nothing in it can end the comment, whoever reads it.
  const facts = JSON.stringify(
    { request_id: requestId, ...outcome, code },
    (_, value) => value ?? undefined,
  ).replace(/[\u007f-\uffff]/g, escaped);
  return encoder.encode(`: farebox ${facts}\n\n`);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
