import { endOf, eventText } from "../event_text.ts";
import type { EarlyEnd } from "../meter.ts";

/** How far a streamed message has come. */
export interface Progress {
  readonly hasStarted: boolean;
  readonly hasStopped: boolean;
  /** Index of the content block that is begun and not closed. */
  readonly openBlock: number | null;
  /** True once it has said itself why it finished. */
  readonly hasFinish: boolean;
  readonly id: string | null;
  readonly model: string | null;
  /** What was used, or an estimate of it. */
  readonly outputTokens: number;
}

/**
 * The events that end a message as at its length limit. SDKs refuse a message that never started, or
 * with a block that never ended; and a second reason to finish would overrule its own.
 */
export function earlyEnd(progress: Progress): EarlyEnd {
  if (progress.hasStopped) return endOf();
  const events: Event[] = [];
  if (!progress.hasStarted) events.push(messageStart(progress));
  if (progress.openBlock !== null) {
    events.push({ type: "content_block_stop", index: progress.openBlock });
  }
  if (!progress.hasFinish) {
    events.push({
      type: "message_delta",
      delta: { stop_reason: "max_tokens", stop_sequence: null },
      usage: { output_tokens: progress.outputTokens },
    });
  }
  return endOf(textOf(events), textOf([{ type: "message_stop" }]));
}

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

function messageStart({ id, model }: Progress): Event {
  return {
    type: "message_start",
    message: {
      id: id ?? "msg_farebox",
      type: "message",
      role: "assistant",
      model: model ?? "",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 0, output_tokens: 0 },
    },
  };
}

function textOf(events: readonly Event[]): string {
  return events.map((event) => eventText(event, event.type)).join("");
}
