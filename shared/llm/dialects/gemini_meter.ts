import { createAnswer } from "../answer_so_far.ts";
import type { UsageReport } from "../counts.ts";
import type { JsonObject } from "../dialect.ts";
import { type AnswerReader, deliverUnread, meterEvents, meterWhole } from "../event_meter.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import type { EventKind, Meter, MeterSnapshot } from "../meter.ts";
import { UNTOLD_ERROR } from "../provider_error.ts";
import type { SplitEvent } from "../sse_events.ts";
import { earlyEnd } from "./gemini_end.ts";
import { readError } from "./gemini_errors.ts";
import { createOutput } from "./gemini_output.ts";
import { readServiceTier, readUsage, tellsAnswer } from "./gemini_usage.ts";

/** Meters a streamed answer: each event is a whole response, with a part of the answer. */
export function createMeter(): Meter {
  return meterEvents(createReader());
}

/**
 * Meters a whole answer, of whatever status: a parsed body. A stream without `alt=sse` is an array of
 * the same responses.
 */
export function readAnswer(body: unknown): MeterSnapshot {
  return meterWhole(createReader(), body);
}

/** Streamed and whole answers have all in common but how they are framed. */
function createReader(): AnswerReader {
  const output = createOutput();
  const answer = createAnswer(output);
  /** The last report if it says nothing of an answer that has begun: it counts once this has ended. */
  let early: UsageReport | null = null;
  let reported: JsonObject | null = null;
  /** True from the first part of the answer itself: thoughts are counted apart. */
  let hasAnswer = false;

  /** Reads an array of responses; its kind is that of the one which says the most. */
  function readOther(value: unknown, event: SplitEvent | null): EventKind | null {
    if (!Array.isArray(value)) return null;
    const kinds = value.map((item): EventKind => {
      const response = objectOf(item);
      if (response !== null) return read(response, event?.event === "error");
      answer.flags.add("unreadable");
      return "other";
    });
    if (event === null) end();
    return kinds.find((kind) => kind === "error") ?? kinds.find((kind) => kind === "content") ??
      kinds[0] ?? "other";
  }

  function read(response: JsonObject, isError: boolean): EventKind {
    answer.takeNames(response.responseId, response.modelVersion);
    const failure = readError(response) ?? (isError ? UNTOLD_ERROR : null);
    const candidates = arrayOf(response.candidates).map(objectOf)
      .filter((candidate) => candidate !== null);
    for (const candidate of candidates) {
      answer.finish = textOf(candidate.finishReason) ?? answer.finish;
      if (hasSearched(candidate.groundingMetadata)) answer.flags.add("unpriced_tool");
    }
    // A prompt that is blocked has no candidate: this is then why there is no answer.
    answer.finish ??= textOf(objectOf(response.promptFeedback)?.blockReason);
    // Its text is not an answer; a usage beside it is still the bill.
    const carried = failure === null
      ? candidates.map((candidate) => output.add(objectOf(candidate.content)?.parts))
      : [];
    if (carried.includes("answer")) hasAnswer = true;
    const usage = objectOf(response.usageMetadata);
    if (usage !== null) readReport(usage);
    if (answer.finish !== null) end();
    if (failure !== null) {
      answer.error = failure;
      return "error";
    }
    if (carried.some((what) => what !== "nothing")) {
      answer.hasContent = true;
      answer.contentEvents++;
      return "content";
    }
    return usage !== null && candidates.length === 0 && response.promptFeedback === undefined
      ? "usage_only"
      : "other";
  }

  /** Within a turn counts may go down, and the last report has its total. */
  function readReport(usage: JsonObject): void {
    answer.serviceTier = readServiceTier(usage) ?? answer.serviceTier;
    if (/priority/i.test(answer.serviceTier ?? "")) answer.flags.add("unpriced_tier");
    const report = readUsage(usage);
    if (report !== null && report !== "unreadable") {
      reported = usage;
      // A first chunk may have text and the prompt's count alone: no zero for what was delivered.
      early = hasAnswer && !tellsAnswer(usage) ? report : null;
      if (early !== null) return answer.takePrompt(report);
    }
    answer.takeReport(report);
  }

  /** Nothing more comes of the answer. */
  function end(): void {
    answer.takeReport(early);
    early = null;
  }

  return {
    answer,
    readEvent: (response, { event }) => read(response, event === "error"),
    readOther,
    dataOf: bareJson,
    readOversized() {
      hasAnswer = true;
      return deliverUnread(answer);
    },
    readWhole(response) {
      read(response, false);
      end();
    },
    snapshot: answer.snapshot,
    earlyEnd: () =>
      earlyEnd({
        hasFinish: answer.finish !== null,
        id: answer.id,
        model: answer.model,
        reported,
        isReported: answer.report !== null && early === null,
        outputTokens: answer.estimate(),
      }),
  };
}

/** Google breaks a stream off with an error as bare JSON, where an event should be. */
function bareJson(event: SplitEvent): string | null {
  const first = event.bytes[0];
  if (event.comment !== null || (first !== 0x7b && first !== 0x5b)) return null; // "{" and "["
  return new TextDecoder().decode(event.bytes);
}

/** Whether the answer stands on searches, which are billed beside its tokens. */
function hasSearched(grounding: unknown): boolean {
  const found = objectOf(grounding);
  return arrayOf(found?.webSearchQueries).length > 0 ||
    arrayOf(found?.imageSearchQueries).length > 0;
}
