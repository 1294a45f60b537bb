/** A streamed answer step by step, with the faults that its script orders: the same in every dialect. */
import type { Step } from "./body_stream.ts";
import type { Answer } from "./decide_answer.ts";
import type { Frames } from "./dialect.ts";

export function* streamSteps(
  answer: Answer,
  frames: Frames,
  onToken: () => void,
): Generator<Step, void, undefined> {
  const { script } = answer.ask;
  const send = (text: string, waitMs: number): Step => ({ kind: "send", text, waitMs });

  yield send(frames.start(), answer.firstTokenMs);
  for (let sent = 0;; sent++) {
    if (script.stall_ms !== undefined && sent === (script.stall_after_tokens ?? 0)) {
      yield send("", script.stall_ms);
    }
    if (sent === script.drop_after_tokens) return yield { kind: "drop" };
    if (sent === script.end_after_tokens) return;
    if (sent === script.error_frame_after_tokens) return yield send(frames.error(), 0);
    const piece = answer.pieces[sent];
    if (piece === undefined) break;
    onToken();
    yield send(frames.piece(piece), answer.tokenMs);
  }
  for (const text of frames.end()) yield send(text, 0);
}

/** A frame of server-sent events without a name. */
export function dataFrame(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** A frame of server-sent events that names its type twice, as OpenAI Responses and Anthropic do. */
export function namedFrame(
  value: { readonly type: string; readonly [field: string]: unknown },
): string {
  return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
}
