import { createAnswer } from "../answer_so_far.ts";
import type { JsonObject } from "../dialect.ts";
import { type AnswerReader, isDone, meterEvents, meterWhole } from "../event_meter.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import type { EventKind, Meter, MeterSnapshot } from "../meter.ts";
import { readError, UNTOLD_ERROR } from "../provider_error.ts";
import type { EventHead } from "../same_shape.ts";
import type { SplitEvent } from "../sse_events.ts";
import { readBlock, readDelta } from "./anthropic_messages_blocks.ts";
import { earlyEnd } from "./anthropic_messages_end.ts";
import { createOutput } from "./anthropic_messages_output.ts";
import { overlayUsage, readUsage } from "./anthropic_messages_usage.ts";

/** Meters a streamed answer of Anthropic Messages. All providers of it count alike: there are no rules. */
export function createMeter(): Meter {
  return meterEvents(createReader());
}

/** Meters a whole answer of Anthropic Messages, of whatever status: a parsed body. */
export function readAnswer(body: unknown): MeterSnapshot {
  return meterWhole(createReader(), body);
}

/** A stream is a message in pieces. */
function createReader(): AnswerReader {
  const output = createOutput();
  const answer = createAnswer(output);
  /** What the message in progress has reported so far, later reports over earlier ones. */
  let known: JsonObject = {};
  let hasStarted = false;
  let hasStopped = false;
  /** The block that is begun and not closed: there is never more than one. */
  let openBlock: number | null = null;

  function readEvent(data: JsonObject, { event }: EventHead): EventKind {
    switch (textOf(data.type) ?? event) {
      case "message_start":
        return startMessage(objectOf(data.message) ?? {});
      case "content_block_start":
        openBlock = indexOf(data);
        return deliver(readBlock(objectOf(data.content_block) ?? {}, output));
      case "content_block_delta":
        openBlock = indexOf(data) ?? openBlock;
        return readDeltaOf(objectOf(data.delta) ?? {});
      case "content_block_stop":
        openBlock = null;
        return "other";
      case "message_delta":
        answer.finish = textOf(objectOf(data.delta)?.stop_reason) ?? answer.finish;
        takeReport(objectOf(data.usage));
        return "other";
      case "message_stop":
        hasStopped = true;
        return "terminal";
      case "error":
        return readFailure(data);
      default:
        return readError(data) === null ? "other" : readFailure(data);
    }
  }

  function readOther(_: unknown, event: SplitEvent | null): EventKind | null {
    // OpenRouter sends it after the dialect's own last event.
    if (isDone(event)) return hasStopped ? "other" : "terminal";
    if (event?.event !== "error") return null;
    answer.flags.add("unreadable");
    return readFailure({});
  }

  /** Mostly the first event. Where tools are called from code, more answers can follow in a stream. */
  function startMessage(message: JsonObject): EventKind {
    hasStarted = true;
    hasStopped = false;
    openBlock = null;
    answer.finish = null;
    // Its output is a placeholder of 1 to 4 tokens: there is no report before a delta's.
    known = { ...objectOf(message.usage), output_tokens: null };
    answer.takePrompt(readUsage({ ...known, output_tokens: 0 }));
    return readContent(message);
  }

  function readDeltaOf(delta: JsonObject): EventKind {
    const isDelivered = readDelta(delta, output);
    if (isDelivered) answer.contentEvents++;
    return deliver(isDelivered);
  }

  function readContent(message: JsonObject): EventKind {
    answer.takeNames(message.id, message.model);
    answer.finish = textOf(message.stop_reason) ?? answer.finish;
    // Every block is read before any is judged: `some` would stop at the first with content.
    const blocks = arrayOf(message.content).map(objectOf).filter((block) => block !== null);
    return deliver(blocks.map((block) => readBlock(block, output)).includes(true));
  }

  function deliver(isDelivered: boolean): EventKind {
    if (!isDelivered) return "other";
    answer.hasContent = true;
    return "content";
  }

  function takeReport(usage: JsonObject | null): void {
    if (usage === null) return;
    const next = overlayUsage(known, usage);
    const read = readUsage(next);
    answer.takeReport(read);
    if (read !== "unreadable") known = next;
  }

  /** Its text is not an answer; a usage beside it is still the bill. */
  function readFailure(data: JsonObject): EventKind {
    answer.error = readError(data) ?? UNTOLD_ERROR;
    takeReport(objectOf(data.usage));
    return "error";
  }

  function readWhole(message: JsonObject): void {
    const failure = readError(message);
    if (failure !== null) answer.error = failure;
    else readContent(message);
    takeReport(objectOf(message.usage));
  }

  return {
    answer,
    readEvent,
    readOther,
    readWhole,
    snapshot: answer.snapshot,
    earlyEnd: () =>
      earlyEnd({
        hasStarted,
        hasStopped,
        openBlock,
        hasFinish: answer.finish !== null,
        id: answer.id,
        model: answer.model,
        outputTokens: answer.report?.tokens.output ?? answer.estimate(),
      }),
  };
}

function indexOf(data: JsonObject): number | null {
  return typeof data.index === "number" && Number.isSafeInteger(data.index) ? data.index : null;
}
