import { endOf, eventText } from "../event_text.ts";
import type { EarlyEnd } from "../meter.ts";
import { DONE_EVENT } from "./openai_chat_errors.ts";

/** How far a streamed completion has come. */
export interface Progress {
  /** True once an event has told its role. */
  readonly hasRole: boolean;
  /** True once it has said itself why it finished. */
  readonly hasFinish: boolean;
  readonly id: string | null;
  readonly model: string | null;
  /** As the chunks have it: seconds since 1970. */
  readonly created: unknown;
}

/** The events that end a completion as at its length limit. */
export function earlyEnd(progress: Progress): EarlyEnd {
  // A second reason to finish would overrule its own.
  if (progress.hasFinish) return endOf("", DONE_EVENT);
  const chunk = {
    id: progress.id ?? "chatcmpl-farebox",
    object: "chat.completion.chunk",
    created: typeof progress.created === "number" ? progress.created : 0,
    model: progress.model ?? "",
    // SDKs refuse an answer without a role, as when it is cut short before it began.
    choices: [{
      index: 0,
      delta: progress.hasRole ? {} : { role: "assistant" },
      finish_reason: "length",
    }],
  };
  return endOf(eventText(chunk), DONE_EVENT);
}
