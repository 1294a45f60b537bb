import type { AnswerSoFar } from "./answer_so_far.ts";
import type { JsonObject } from "./dialect.ts";
import { objectOf, parseJson } from "./json_reading.ts";
import {
  type EarlyEnd,
  type EventKind,
  type Meter,
  type MeterSnapshot,
  NOTHING_METERED,
} from "./meter.ts";
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

/** Meters a stream. It never throws: what its reader throws at an event is a flag, and the next is read. */
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

  // A count that fails counts what is sure: each event with content is a token.
  const estimate = () => orElse(answer, answer.estimate, () => answer.contentEvents);
  const upper = () => orElse(answer, answer.upper, estimate);
  return {
    fold: (event) => orElse(answer, () => fold(event), () => "other"),
    snapshot: () => orElse(answer, reader.snapshot, () => sureOf(answer, estimate(), upper())),
    outputTokensEstimate: estimate,
    outputTokensUpper: upper,
    earlyEnd: () => orElse(answer, reader.earlyEnd, () => NO_END),
  };
}

const NO_END: EarlyEnd = { closing: new Uint8Array(0), terminal: new Uint8Array(0) };

/** What is known where a dialect cannot say: enough to charge what was delivered. */
function sureOf(answer: AnswerSoFar, estimated: number, upper: number): MeterSnapshot {
  return {
    ...NOTHING_METERED,
    usage: answer.report?.tokens ?? null,
    prompt: answer.prompt,
    outputTokensEstimate: estimated,
    outputTokensUpper: upper,
    hasContent: answer.hasContent,
    finish: answer.finish,
    providerRequestId: answer.id,
    storedIds: [...answer.storedIds],
    model: answer.model,
    error: answer.error,
    flags: [...answer.flags],
  };
}

/** Meters a whole answer: the parsed body. Never throws either. */
export function meterWhole(reader: AnswerReader, body: unknown): MeterSnapshot {
  const { answer } = reader;
  orElse(answer, () => {
    const data = objectOf(body);
    if (data === null) return reader.readOther?.(body, null) ?? flagUnreadable(answer);
    reader.readWhole(data);
    return "other";
  }, () => "other");
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

/** What throws is flagged, and answered by something else: the client's stream goes on. */
function orElse<T>(answer: AnswerSoFar, read: () => T, instead: () => T): T {
  try {
    return read();
  } catch {
    answer.flags.add("meter_fault");
    return instead();
  }
}

/** Whether an event is the `[DONE]` that ends streams of OpenAI's kind. */
export function isDone(event: SplitEvent | null): boolean {
  return event?.data?.trim() === "[DONE]";
}
