import type { CountingRules } from "../counting_rules.ts";
import type { JsonObject } from "../dialect.ts";
import { objectOf, textOf } from "../json_reading.ts";
import type { EventKind, Meter, MeterSnapshot } from "../meter.ts";
import type { SplitEvent } from "../sse_events.ts";
import { createAnswerReader } from "./openai_responses_answer.ts";
import { createOpenAnswer, OPENING_EVENTS } from "./openai_responses_end.ts";
import { createOversizedReader } from "./openai_responses_oversized.ts";

/** The last events of an answer, and the only ones with a usage. */
const TERMINAL_EVENTS = new Set<unknown>([
  ...["response.completed", "response.incomplete", "response.failed"],
]);

/** Meters a streamed answer of the Responses API. */
export function createResponsesMeter(rules: CountingRules): Meter {
  const answer = createAnswerReader(rules);
  const open = createOpenAnswer();
  const readOversized = createOversizedReader();
  let hasEnded = false;

  function fold(event: SplitEvent): EventKind {
    if (event.oversized) return foldOversized(event);
    if (event.data === null || event.data.trim() === "[DONE]") return "other";
    const data = parseObject(event.data);
    if (data === null) {
      answer.flag("unreadable");
      return "other";
    }
    const type = textOf(data.type) ?? event.event;
    if (type === "error" || (data.type === undefined && data.error !== undefined)) {
      answer.readError(data);
      return "error";
    }
    if (TERMINAL_EVENTS.has(type)) {
      hasEnded = true;
      answer.readEnd(objectOf(data.response) ?? data, type);
      return "terminal";
    }
    open.follow(data, event.data.length);
    if (OPENING_EVENTS.has(type)) answer.readNames(objectOf(data.response) ?? {});
    return answer.readPiece(data, type) ? "content" : "other";
  }

  /** Its kind is never terminal: its first bytes are with the client before it can be settled. */
  function foldOversized(event: SplitEvent): EventKind {
    answer.flag("oversized");
    const { type, id, usage } = readOversized(event);
    if (OPENING_EVENTS.has(type)) {
      const response = { id };
      open.follow({ type, response }, event.bytes.length);
      answer.readNames(response);
      return "other";
    }
    if (!TERMINAL_EVENTS.has(type)) {
      // What it says is unknown; that something was delivered is not.
      answer.markContent();
      return "content";
    }
    if (event.complete) {
      hasEnded = true;
      answer.readEnd(usage === null ? {} : { usage }, type);
    }
    return "other";
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
    // It said itself how it ended: a second end would overrule it.
    earlyEnd: () => hasEnded ? NO_END : open.end(),
  };
}

const NO_END = { closing: new Uint8Array(0), terminal: new Uint8Array(0) };

/** Meters a whole answer of the Responses API, of whatever status: a parsed body. */
export function readResponsesAnswer(body: unknown, rules: CountingRules): MeterSnapshot {
  const answer = createAnswerReader(rules);
  const response = objectOf(body);
  try {
    if (response === null) answer.flag("unreadable");
    else answer.readWhole(response);
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
