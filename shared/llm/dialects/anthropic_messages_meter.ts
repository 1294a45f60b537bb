import type { CountingRules } from "../counting_rules.ts";
import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import {
  type EventKind,
  type Meter,
  type MeterFlag,
  type MeterSnapshot,
  NOTHING_METERED,
  type ProviderError,
} from "../meter.ts";
import type { SplitEvent } from "../sse_events.ts";
import { readBlock, readDelta } from "./anthropic_messages_blocks.ts";
import { earlyEnd, type Progress } from "./anthropic_messages_end.ts";
import { createOutputTokens } from "./anthropic_messages_output.ts";
import { overlayUsage, readUsage, type UsageReport } from "./anthropic_messages_usage.ts";
import { readError } from "./openai_chat_errors.ts";

/** An `event: error` whose data is in no shape that we know. */
const UNTOLD_ERROR: ProviderError = {
  message: "The provider sent an error event.",
  type: null,
  code: null,
};

/** Meters a streamed answer of Anthropic Messages. All providers of it count alike: there are no rules. */
export function createMessagesMeter(_rules: CountingRules): Meter {
  const answer = createAnswerReader();

  function fold(event: SplitEvent): EventKind {
    if (event.oversized) {
      // What it says is unknown; that something was delivered is not.
      answer.markContent();
      answer.flag("oversized");
      return "content";
    }
    if (event.data === null) return "other";
    if (event.data.trim() === "[DONE]") return answer.readDone();
    const data = parseObject(event.data);
    if (data === null) {
      answer.flag("unreadable");
      return event.event === "error" ? answer.readFailure({}) : "other";
    }
    return answer.readEvent(textOf(data.type) ?? event.event, data);
  }

  return {
    fold(event) {
      try {
        return fold(event);
      } catch {
        answer.flag("meter_fault");
        return "other";
      }
    },
    snapshot: answer.snapshot,
    earlyEnd: () => earlyEnd(answer.progress()),
  };
}

/** Meters a whole answer of Anthropic Messages, of whatever status: a parsed body. */
export function readMessagesAnswer(body: unknown, _rules: CountingRules): MeterSnapshot {
  const answer = createAnswerReader();
  const message = objectOf(body);
  try {
    if (message === null) answer.flag("unreadable");
    else answer.readMessage(message);
  } catch {
    answer.flag("meter_fault");
  }
  return answer.snapshot();
}

function parseObject(text: string): JsonObject | null {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return null;
  }
}

interface AnswerReader {
  readEvent(type: string | null, data: JsonObject): EventKind;
  /** `[DONE]`, which OpenRouter sends after the dialect's own last event. */
  readDone(): EventKind;
  readFailure(data: JsonObject): EventKind;
  readMessage(message: JsonObject): void;
  flag(flag: MeterFlag): void;
  markContent(): void;
  snapshot(): MeterSnapshot;
  progress(): Progress;
}

/** What streamed and whole answers have in common: all of it but how they are framed. */
function createAnswerReader(): AnswerReader {
  const output = createOutputTokens();
  const flags = new Set<MeterFlag>();
  /** Deltas with content: in every recorded stream each was a token or more, so they bound below. */
  let contentDeltas = 0;
  /** What the message in progress has reported so far, later reports over earlier ones. */
  let known: JsonObject = {};
  let report: UsageReport | null = null;
  let hasContent = false;
  let hasStarted = false;
  let hasStopped = false;
  /** The block that is begun and not closed: there is never more than one. */
  let openBlock: number | null = null;
  let id: string | null = null;
  let model: string | null = null;
  let finish: string | null = null;
  let error: ProviderError | null = null;

  function readEvent(type: string | null, data: JsonObject): EventKind {
    switch (type) {
      case "message_start":
        return startMessage(objectOf(data.message) ?? {});
      case "content_block_start":
        openBlock = indexOf(data);
        return delivered(readBlock(objectOf(data.content_block) ?? {}, output));
      case "content_block_delta":
        openBlock = indexOf(data) ?? openBlock;
        return readDeltaOf(objectOf(data.delta) ?? {});
      case "content_block_stop":
        openBlock = null;
        return "other";
      case "message_delta":
        finish = textOf(objectOf(data.delta)?.stop_reason) ?? finish;
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

  /** Mostly the first event. Where tools are called from code, more answers can follow in a stream. */
  function startMessage(message: JsonObject): EventKind {
    hasStarted = true;
    hasStopped = false;
    openBlock = null;
    finish = null;
    // Its output is a placeholder of 1 to 4 tokens: there is no report before a delta's.
    known = { ...objectOf(message.usage), output_tokens: null };
    return readContent(message);
  }

  function readDeltaOf(delta: JsonObject): EventKind {
    const isDelivered = readDelta(delta, output);
    if (isDelivered) contentDeltas++;
    return delivered(isDelivered);
  }

  function readContent(message: JsonObject): EventKind {
    id ??= textOf(message.id);
    model ??= textOf(message.model);
    finish = textOf(message.stop_reason) ?? finish;
    // Every block is read before any is judged: `some` would stop at the first with content.
    const blocks = arrayOf(message.content).map(objectOf).filter((block) => block !== null);
    return delivered(blocks.map((block) => readBlock(block, output)).includes(true));
  }

  function delivered(isDelivered: boolean): EventKind {
    if (!isDelivered) return "other";
    hasContent = true;
    return "content";
  }

  function takeReport(usage: JsonObject | null): void {
    if (usage === null) return;
    const next = overlayUsage(known, usage);
    const read = readUsage(next);
    if (read === "unreadable") {
      flags.add("usage_unreadable");
      return;
    }
    known = next;
    if (read !== null) report = read;
  }

  /** Its text is not an answer; a usage beside it is still the bill. */
  function readFailure(data: JsonObject): EventKind {
    error = readError(data) ?? UNTOLD_ERROR;
    takeReport(objectOf(data.usage));
    return "error";
  }

  function readMessage(message: JsonObject): void {
    const failure = readError(message);
    if (failure !== null) error = failure;
    else readContent(message);
    takeReport(objectOf(message.usage));
  }

  function snapshot(): MeterSnapshot {
    const { tokens, flags: oddities = [], ...reported } = report ?? { tokens: null };
    return {
      ...NOTHING_METERED,
      ...reported,
      usage: tokens,
      outputTokensEstimate: Math.max(output.estimate(), contentDeltas),
      outputTokensUpper: Math.max(output.upper(), contentDeltas, tokens?.output ?? 0),
      hasContent,
      finish,
      providerRequestId: id,
      model,
      error,
      flags: [...new Set([...flags, ...oddities])],
    };
  }

  return {
    readEvent,
    readDone: () => hasStopped ? "other" : "terminal",
    readFailure,
    readMessage,
    flag: (flag) => void flags.add(flag),
    markContent: () => void (hasContent = true),
    snapshot,
    progress: () => ({
      hasStarted,
      hasStopped,
      openBlock,
      hasFinish: finish !== null,
      id,
      model,
      outputTokens: report?.tokens.output ?? Math.max(output.estimate(), contentDeltas),
    }),
  };
}

function indexOf(data: JsonObject): number | null {
  return typeof data.index === "number" && Number.isSafeInteger(data.index) ? data.index : null;
}
