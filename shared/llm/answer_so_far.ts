import { promptTokens, type Tokens } from "../pricing/usage.ts";
import type { UsageReport } from "./counts.ts";
import { textOf } from "./json_reading.ts";
import {
  type MeterFlag,
  type MeterSnapshot,
  NOTHING_METERED,
  type ProviderError,
} from "./meter.ts";

/** Counts what an answer has delivered, in tokens. */
export interface CountedOutput {
  /** Fair estimate. */
  estimate(): number;
  /** Upper bound. */
  upper(): number;
}

/** What an answer has told so far. The reader of its dialect writes it, event by event. */
export interface AnswerSoFar {
  /** The first that is told of each: later events may have an empty one. */
  id: string | null;
  model: string | null;
  finish: string | null;
  serviceTier: string | null;
  error: ProviderError | null;
  report: UsageReport | null;
  /** What is told of the prompt alone, before there is a report. */
  prompt: Tokens | null;
  hasContent: boolean;
  /** Events with content: in every recorded stream each was a token or more, so they bound below. */
  contentEvents: number;
  readonly flags: Set<MeterFlag>;
  /** Ids by which a later request can go on from it. */
  readonly storedIds: Set<string>;
  /** Takes an id by which a later request can go on from this answer, if it is one. */
  takeStored(id: unknown): void;
  /** Takes the id and the model, unless they are known. */
  takeNames(id: unknown, model: unknown): void;
  /** Takes a report, whole: the last one wins, for a sum or a maximum by field would invent tokens. */
  takeReport(read: UsageReport | null | "unreadable"): void;
  /** Takes a report of which only the prompt is true yet. One of nothing says nothing. */
  takePrompt(read: UsageReport | null | "unreadable"): void;
  /** Fair estimate of the output delivered. */
  estimate(): number;
  /** Upper bound of it: never below a report. */
  upper(): number;
  /** All of it, with what the dialect knows beside; its flags come in addition. */
  snapshot(more?: Partial<MeterSnapshot>): MeterSnapshot;
}

/** More than any answer has: its own id, and that of each item. */
const STORED_IDS_MAX = 1_000;

/** An answer that has told nothing yet, whose output is counted by `output`. */
export function createAnswer(output: CountedOutput): AnswerSoFar {
  const answer: AnswerSoFar = {
    id: null,
    model: null,
    finish: null,
    serviceTier: null,
    error: null,
    report: null,
    prompt: null,
    hasContent: false,
    contentEvents: 0,
    flags: new Set(),
    storedIds: new Set(),
    takeStored(id) {
      const { storedIds } = answer;
      if (typeof id === "string" && id !== "" && storedIds.size < STORED_IDS_MAX) storedIds.add(id);
    },
    takeNames(id, model) {
      answer.id ??= textOf(id);
      answer.model ??= textOf(model);
    },
    takeReport(read) {
      if (read === "unreadable") answer.flags.add("usage_unreadable");
      else if (read !== null) answer.report = read;
    },
    takePrompt(read) {
      // One that is odd is no better than an estimate.
      if (read === null || read === "unreadable" || read.flags.length > 0) return;
      if (promptTokens(read.tokens) === 0) return;
      answer.prompt = { ...read.tokens, output: 0 };
    },
    estimate: () => Math.max(output.estimate(), answer.contentEvents),
    upper: () => Math.max(output.upper(), answer.contentEvents, answer.report?.tokens.output ?? 0),
    snapshot(more = {}) {
      const { tokens = null, flags = [], ...reported } = answer.report ?? {};
      return {
        ...NOTHING_METERED,
        ...reported,
        usage: tokens,
        prompt: answer.prompt,
        serviceTier: answer.serviceTier ?? answer.report?.serviceTier ?? null,
        outputTokensEstimate: answer.estimate(),
        outputTokensUpper: answer.upper(),
        hasContent: answer.hasContent,
        finish: answer.finish,
        providerRequestId: answer.id,
        storedIds: [...answer.storedIds],
        model: answer.model,
        error: answer.error,
        ...more,
        flags: [...new Set([...answer.flags, ...flags, ...(more.flags ?? [])])],
      };
    },
  };
  return answer;
}
