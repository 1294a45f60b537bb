import { createAnswer } from "../answer_so_far.ts";
import type { CountingRules } from "../counting_rules.ts";
import type { JsonObject } from "../dialect.ts";
import {
  type AnswerReader,
  deliverUnread,
  isDone,
  meterEvents,
  meterWhole,
} from "../event_meter.ts";
import { endOf } from "../event_text.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import type { EventKind, Meter, MeterFlag, MeterSnapshot } from "../meter.ts";
import type { EventHead } from "../same_shape.ts";
import type { SplitEvent } from "../sse_events.ts";
import { isDearTier } from "./openai_chat_details.ts";
import { createOpenAnswer, OPENING_EVENTS } from "./openai_responses_end.ts";
import { readAnswerError, readErrorEvent } from "./openai_responses_errors.ts";
import { createOutput } from "./openai_responses_output.ts";
import { createOversizedReader } from "./openai_responses_oversized.ts";
import { readToolUsage, readUsage } from "./openai_responses_usage.ts";

/** The last events of an answer, and the only ones with a usage. */
const TERMINAL_EVENTS = new Set<unknown>([
  ...["response.completed", "response.incomplete", "response.failed"],
]);

/** Meters a streamed answer of the Responses API. */
export function createMeter(rules: CountingRules): Meter {
  return meterEvents(createReader(rules));
}

/** Meters a whole answer of the Responses API, of whatever status: a parsed body. */
export function readAnswer(body: unknown, rules: CountingRules): MeterSnapshot {
  return meterWhole(createReader(rules), body);
}

/** A whole answer is the response that the last event of a stream has. */
function createReader(rules: CountingRules): AnswerReader {
  const output = createOutput();
  const answer = createAnswer(output);
  const open = createOpenAnswer();
  const oversized = createOversizedReader();
  let webSearches: number | null = null;
  let hasEnded = false;

  function readEvent(data: JsonObject, { event, dataLength }: EventHead): EventKind {
    const type = textOf(data.type) ?? event;
    if (type === "error" || (data.type === undefined && data.error !== undefined)) {
      answer.error = readErrorEvent(data);
      return "error";
    }
    if (TERMINAL_EVENTS.has(type)) {
      readEnd(objectOf(data.response) ?? data, type);
      return "terminal";
    }
    open.follow(data, dataLength);
    answer.takeStored(objectOf(data.item)?.id);
    if (OPENING_EVENTS.has(type)) readNames(objectOf(data.response) ?? {});
    if (!output.readEvent(data, type ?? "")) return "other";
    answer.hasContent = true;
    answer.contentEvents++;
    return "content";
  }

  /** Its kind is never terminal: its first bytes are with the client before it can be settled. */
  function readOversized(event: SplitEvent): EventKind {
    const { type, id, usage } = oversized(event);
    if (OPENING_EVENTS.has(type)) {
      const response = { id };
      open.follow({ type, response }, event.bytes.length);
      readNames(response);
      return "other";
    }
    if (!TERMINAL_EVENTS.has(type)) return deliverUnread(answer);
    if (event.complete) readEnd(usage === null ? {} : { usage }, type);
    return "other";
  }

  function readNames(response: JsonObject): void {
    answer.takeNames(response.id, response.model);
    answer.takeStored(response.id);
  }

  function readEnd(response: JsonObject, type: string | null): void {
    hasEnded = true;
    readNames(response);
    readReport(response);
    for (const item of arrayOf(response.output)) answer.takeStored(objectOf(item)?.id);
    answer.error = readAnswerError(response) ?? answer.error;
    const why = textOf(objectOf(response.incomplete_details)?.reason);
    answer.finish = why ?? textOf(response.status) ?? type?.replace("response.", "") ??
      answer.finish;
  }

  function readWhole(response: JsonObject): void {
    readEnd(response, null);
    for (const item of arrayOf(response.output).map(objectOf)) {
      if (item !== null && output.readItem(item)) answer.hasContent = true;
    }
  }

  /** Takes what an answer reports of its cost. */
  function readReport(response: JsonObject): void {
    answer.serviceTier = textOf(response.service_tier) ?? answer.serviceTier;
    const tools = readToolUsage(response);
    webSearches = tools.webSearches ?? webSearches;
    if (tools.hasUnpriced) answer.flags.add("unpriced_tool");
    const usage = objectOf(response.usage);
    if (usage === null) return;
    const read = readUsage(usage, rules);
    answer.takeReport(read);
    if (read === null || read === "unreadable" || tools.webSearches !== null) return;
    // OpenRouter counts them within the usage.
    webSearches = read.webSearches || webSearches;
  }

  function snapshot(): MeterSnapshot {
    const flags: MeterFlag[] = [];
    if (output.tools.hasUnpriced()) flags.push("unpriced_tool");
    if (isDearTier(answer.serviceTier)) flags.push("unpriced_tier");
    return answer.snapshot({ webSearches: webSearches ?? output.tools.webSearches(), flags });
  }

  return {
    answer,
    readEvent,
    readOther: (_, event) => isDone(event) ? "other" : null,
    readOversized,
    readWhole,
    snapshot,
    // It said itself how it ended: a second end would overrule it.
    earlyEnd: () => hasEnded ? endOf() : open.end(),
  };
}
