import type { AnswerSoFar } from "./answer_so_far.ts";
import type { JsonObject } from "./dialect.ts";
import { objectOf, parseJson } from "./json_reading.ts";
import type { EarlyEnd, EventKind, Meter, MeterSnapshot } from "./meter.ts";
import { createSameShape, type EventHead } from "./same_shape.ts";
import type { SplitEvent } from "./sse_events.ts";

/** How a dialect reads an answer. What holds in every dialect is around it; it may throw. */
export interface AnswerReader {
  readonly answer: AnswerSoFar;
  /** Reads the object that an event has for data. */
  readEvent(data: JsonObject, head: EventHead): EventKind;
  /** Reads a whole answer, of whatever status. */
  readWhole(body: JsonObject): void;
  /**
   * Reads data that is no object: another value, or `undefined` where it is not JSON, as `[DONE]`.
   * Without an event it is a whole answer. `null` where it means nothing: it is flagged.
   */
  readOther?(value: unknown, event: SplitEvent | null): EventKind | null;
  /** The data of an event that has none, by its bytes; `null` where it is a comment or blank. */
  dataOf?(event: SplitEvent): string | null;
  /** Reads what can be read of an event, or of a part of one, that is too long to be read whole. */
  readOversized?(event: SplitEvent): EventKind;
  snapshot(): MeterSnapshot;
  earlyEnd(): EarlyEnd;
}

/** Meters a stream. It never throws: what its reader throws is a flag. */
export function meterEvents(reader: AnswerReader): Meter {
  const { answer } = reader;
  const shape = createSameShape();

  function fold(event: SplitEvent): EventKind {
    if (event.oversized) {
      answer.flags.add("oversized");
      if (reader.readOversized !== undefined) return reader.readOversized(event);
      return deliverUnread(answer);
    }
    const same = shape.match(event);
    if (same !== null) return reader.readEvent(same.data, same);
    const text = event.data ?? reader.dataOf?.(event) ?? null;
    if (text === null) return "other";
    const value = parseJson(text);
    const data = objectOf(value);
    if (data !== null) {
      const kind = reader.readEvent(data, { event: event.event, dataLength: text.length });
      if (kind === "content") shape.learn(event);
      return kind;
    }
    return reader.readOther?.(value, event) ?? flagUnreadable(answer);
  }

  return {
    fold: (event) => flagFaults(answer, () => fold(event)),
    snapshot: reader.snapshot,
    outputTokensEstimate: answer.estimate,
    outputTokensUpper: answer.upper,
    earlyEnd: reader.earlyEnd,
  };
}

/** Meters a whole answer: the parsed body. Never throws either. */
export function meterWhole(reader: AnswerReader, body: unknown): MeterSnapshot {
  const { answer } = reader;
  flagFaults(answer, () => {
    const data = objectOf(body);
    if (data === null) return reader.readOther?.(body, null) ?? flagUnreadable(answer);
    reader.readWhole(data);
    return "other";
  });
  return reader.snapshot();
}

/** What an event too long to be read says is unknown; that something was delivered is not. */
export function deliverUnread(answer: AnswerSoFar): EventKind {
  answer.hasContent = true;
  return "content";
}

function flagUnreadable(answer: AnswerSoFar): EventKind {
  answer.flags.add("unreadable");
  return "other";
}

function flagFaults(answer: AnswerSoFar, read: () => EventKind): EventKind {
  try {
    return read();
  } catch {
    answer.flags.add("meter_fault");
    return "other";
  }
}

/** Whether an event is the `[DONE]` that ends streams of OpenAI's kind. */
export function isDone(event: SplitEvent | null): boolean {
  return event?.data?.trim() === "[DONE]";
}
