/** Streams of any dialect for tests, written as text and metered event by event. */
import { type CountingRules, DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import type { Dialect } from "../../shared/llm/dialect.ts";
import type { EventKind, MeterSnapshot } from "../../shared/llm/meter.ts";
import { createEventSplitter, type SplitEvent } from "../../shared/llm/sse_events.ts";
import { chunksOf, concat, encode } from "./chunks.ts";

/** What was metered of a stream, how each event was taken, and how it would be ended there. */
export interface Metered extends MeterSnapshot {
  readonly kinds: readonly EventKind[];
  readonly earlyEnd: string;
}

interface Way {
  readonly rules?: CountingRules;
  readonly chunkBytes?: number;
  /** Longer events are passed on unread. */
  readonly maxEventBytes?: number;
}

/** Meters a stream that comes at once, or in chunks of this size. */
export function meterStream(
  dialect: Dialect,
  stream: string | Uint8Array,
  { rules = DEFAULT_COUNTING, chunkBytes, maxEventBytes = 10_000 }: Way = {},
): Metered {
  const meter = dialect.createMeter(rules);
  const bytes = typeof stream === "string" ? encode(stream) : stream;
  const chunks = chunkBytes === undefined ? [bytes] : chunksOf(bytes, chunkBytes);
  const kinds = splitChunks(chunks, maxEventBytes).map((event) => meter.fold(event));
  const { closing, terminal } = meter.earlyEnd();
  const earlyEnd = new TextDecoder().decode(concat([closing, terminal]));
  return { ...meter.snapshot(), kinds, earlyEnd };
}

/** The events of a stream that comes in these chunks, read. */
export function splitChunks(chunks: Iterable<Uint8Array>, maxEventBytes?: number): SplitEvent[] {
  const splitter = createEventSplitter(maxEventBytes === undefined ? {} : { maxEventBytes });
  const events: SplitEvent[] = [];
  for (const chunk of chunks) events.push(...splitter.push(chunk));
  const rest = splitter.flush();
  if (rest !== null) events.push(rest);
  return events.map(({ bytes, complete, oversized, isAlone, event, data, comment }) => {
    return { bytes, complete, oversized, isAlone, event, data, comment };
  });
}
