import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import {
  type EarlyEnd,
  type EventKind,
  type Meter,
  type MeterFlag,
  type MeterSnapshot,
  NOTHING_METERED,
  type ProviderError,
} from "../meter.ts";
import type { SplitEvent } from "../sse_events.ts";
import { createDelivery } from "./gemini_delivery.ts";
import { eventOf, readError } from "./gemini_errors.ts";
import { readServiceTier, readUsage, type UsageReport } from "./gemini_usage.ts";

const NO_BYTES = new Uint8Array(0);

/** An `event: error` whose data is in no shape that we know. */
const UNTOLD_ERROR: ProviderError = {
  message: "The provider sent an error event.",
  type: null,
  code: null,
};

/** Meters a streamed answer: each event is a whole response, with a part of the answer. */
export function createGeminiMeter(): Meter {
  const answer = createAnswerReader();

  function fold(event: SplitEvent): EventKind {
    if (event.oversized) {
      // What it says is unknown; that something was delivered is not.
      answer.markContent();
      answer.flag("oversized");
      return "content";
    }
    const text = event.data ?? bareJson(event);
    if (text === null) return "other";
    return answer.readAll(parse(text), event.event === "error");
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
    earlyEnd: answer.earlyEnd,
  };
}

/**
 * Meters a whole answer, of whatever status: a parsed body. A stream without `alt=sse` is an array of
 * the same responses.
 */
export function readGeminiAnswer(body: unknown): MeterSnapshot {
  const answer = createAnswerReader();
  try {
    answer.readAll(body, false);
    answer.end();
  } catch {
    answer.flag("meter_fault");
  }
  return answer.snapshot();
}

/** Google breaks a stream off with an error as bare JSON, where an event should be. */
function bareJson(event: SplitEvent): string | null {
  const first = event.bytes[0];
  if (event.comment !== null || (first !== 0x7b && first !== 0x5b)) return null; // "{" and "["
  return new TextDecoder().decode(event.bytes);
}

/** `undefined` for what is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface AnswerReader {
  /** Reads one response, or an array of them. */
  readAll(parsed: unknown, isError: boolean): EventKind;
  /** Says that nothing more comes. */
  end(): void;
  flag(flag: MeterFlag): void;
  markContent(): void;
  snapshot(): MeterSnapshot;
  earlyEnd(): EarlyEnd;
}

/** Streamed and whole answers have all in common but how they are framed. */
function createAnswerReader(): AnswerReader {
  const delivery = createDelivery();
  const flags = new Set<MeterFlag>();
  /** Chunks with content: in every recorded stream each was a token or more, so they bound below. */
  let contentChunks = 0;
  let report: UsageReport | null = null;
  /** The last report if it says nothing of an answer that has begun: it counts once this has ended. */
  let early: UsageReport | null = null;
  let reported: JsonObject | null = null;
  let hasContent = false;
  /** True from the first part of the answer itself: thoughts are counted apart. */
  let hasAnswer = false;
  let id: string | null = null;
  let model: string | null = null;
  let serviceTier: string | null = null;
  let finish: string | null = null;
  let error: ProviderError | null = null;

  function readAll(parsed: unknown, isError: boolean): EventKind {
    const kinds = (Array.isArray(parsed) ? parsed : [parsed]).map((item) => {
      const response = objectOf(item);
      if (response !== null) return read(response, isError);
      flags.add("unreadable");
      return "other";
    });
    return kinds.find((kind) => kind === "error") ?? kinds.find((kind) => kind === "content") ??
      kinds[0] ?? "other";
  }

  function read(response: JsonObject, isError: boolean): EventKind {
    id ??= textOf(response.responseId);
    model ??= textOf(response.modelVersion);
    const failure = readError(response) ?? (isError ? UNTOLD_ERROR : null);
    const candidates = arrayOf(response.candidates).map(objectOf)
      .filter((candidate) => candidate !== null);
    for (const candidate of candidates) {
      finish = textOf(candidate.finishReason) ?? finish;
      if (hasSearched(candidate.groundingMetadata)) flags.add("unpriced_tool");
    }
    // A prompt that is blocked has no candidate: this is then why there is no answer.
    finish ??= textOf(objectOf(response.promptFeedback)?.blockReason);
    // Its text is not an answer; a usage beside it is still the bill.
    const carried = failure === null
      ? candidates.map((candidate) => delivery.add(objectOf(candidate.content)?.parts))
      : [];
    if (carried.includes("answer")) hasAnswer = true;
    const usage = objectOf(response.usageMetadata);
    if (usage !== null) readReport(usage);
    if (finish !== null) end();
    if (failure !== null) {
      error = failure;
      return "error";
    }
    if (carried.some((what) => what !== "nothing")) {
      hasContent = true;
      contentChunks++;
      return "content";
    }
    return usage !== null && candidates.length === 0 && response.promptFeedback === undefined
      ? "usage_only"
      : "other";
  }

  /** The last report wins, whole: within a turn counts may go down, and the last has its total. */
  function readReport(usage: JsonObject): void {
    serviceTier = readServiceTier(usage) ?? serviceTier;
    if (/priority/i.test(serviceTier ?? "")) flags.add("unpriced_tier");
    const read = readUsage(usage);
    if (read === "unreadable") flags.add("usage_unreadable");
    else if (read !== null) {
      reported = usage;
      // A first chunk may have text and the prompt's count alone: no zero for what was delivered.
      if (hasAnswer && !read.tellsAnswer) early = read;
      else [report, early] = [read, null];
    }
  }

  function end(): void {
    if (early !== null) [report, early] = [early, null];
  }

  function snapshot(): MeterSnapshot {
    return {
      ...NOTHING_METERED,
      usage: report?.tokens ?? null,
      reasoningTokens: report?.thoughtsTokens ?? null,
      media: report?.media ?? NOTHING_METERED.media,
      serviceTier,
      outputTokensEstimate: Math.max(delivery.estimate(), contentChunks),
      outputTokensUpper: Math.max(delivery.upper(), contentChunks, report?.tokens.output ?? 0),
      hasContent,
      finish,
      providerRequestId: id,
      model,
      error,
      flags: [...new Set([...flags, ...(report?.flags ?? [])])],
    };
  }

  function earlyEnd(): EarlyEnd {
    // It said itself why it finished: a second reason would overrule it.
    if (finish !== null) return { closing: NO_BYTES, terminal: NO_BYTES };
    const estimate = Math.max(delivery.estimate(), contentChunks);
    const closing = eventOf({
      candidates: [{
        // As Google's own last chunks are: SDKs take a content without parts for no answer.
        content: { parts: [{ text: "" }], role: "model" },
        finishReason: "MAX_TOKENS",
        index: 0,
      }],
      // What was reported, or else what is estimated of what was sent; then its total is not known.
      usageMetadata: report === null || early !== null
        ? { ...reported, candidatesTokenCount: estimate, totalTokenCount: undefined }
        : reported,
      ...(model === null ? {} : { modelVersion: model }),
      ...(id === null ? {} : { responseId: id }),
    });
    return { closing, terminal: NO_BYTES };
  }

  return {
    readAll,
    end,
    flag: (flag) => void flags.add(flag),
    markContent: () => void (hasContent = hasAnswer = true),
    snapshot,
    earlyEnd,
  };
}

/** Whether the answer stands on searches, which are billed beside its tokens. */
function hasSearched(grounding: unknown): boolean {
  const found = objectOf(grounding);
  return arrayOf(found?.webSearchQueries).length > 0 ||
    arrayOf(found?.imageSearchQueries).length > 0;
}
