import type { JsonObject } from "../dialect.ts";
import { endOf } from "../event_text.ts";
import type { EarlyEnd } from "../meter.ts";
import { eventOf } from "./gemini_errors.ts";

/** How far a streamed answer has come. */
export interface Progress {
  /** True once it has said itself why it finished. */
  readonly hasFinish: boolean;
  readonly id: string | null;
  readonly model: string | null;
  /** The last report as it came. */
  readonly reported: JsonObject | null;
  /** True where that report tells of the answer, too. */
  readonly isReported: boolean;
  /** An estimate of what was sent. */
  readonly outputTokens: number;
}

/** The event that ends an answer as at its length limit; none is the last by its name. */
export function earlyEnd(progress: Progress): EarlyEnd {
  const { id, model, reported } = progress;
  // A second reason to finish would overrule its own.
  if (progress.hasFinish) return endOf();
  return endOf(eventOf({
    candidates: [{
      // As Google's own last chunks are: SDKs take a content without parts for no answer.
      content: { parts: [{ text: "" }], role: "model" },
      finishReason: "MAX_TOKENS",
      index: 0,
    }],
    // What was reported, or else what is estimated of what was sent; then its total is not known.
    usageMetadata: progress.isReported ? reported : {
      ...reported,
      candidatesTokenCount: progress.outputTokens,
      totalTokenCount: undefined,
    },
    ...(model === null ? {} : { modelVersion: model }),
    ...(id === null ? {} : { responseId: id }),
  }));
}
