/** Turns timed frames into a response body, with the faults that a script orders. */
/** One step of an answer: text to send after a wait, or the end by a broken connection. */
export type Step =
  | { readonly kind: "send"; readonly text: string; readonly waitMs: number }
  | { readonly kind: "drop" };

/** How the bytes are laid out. */
export interface Layout {
  readonly crlf: boolean;
  /** Pieces of so many bytes; null for one piece a step. */
  readonly splitBytes: number | null;
}

/** Told once how a body ended. */
export type Ending = "finished" | "dropped" | "cancelled";

/**
 * The body: one chunk a step, or pieces of `splitBytes`. Steps are taken only as fast as the client
 * reads, and not at all after it left.
 */
export function bodyStream(
  steps: Iterator<Step>,
  layout: Layout,
  onEnd: (ending: Ending) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let pieces: Uint8Array[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake: (() => void) | undefined;
  let isCancelled = false;

  return new ReadableStream({
    async pull(controller) {
      while (pieces.length === 0) {
        const next = steps.next();
        if (next.done) {
          onEnd("finished");
          controller.close();
          return;
        }
        if (next.value.kind === "drop") {
          onEnd("dropped");
          controller.error(droppedAsOrdered());
          return;
        }
        const { text, waitMs } = next.value;
        if (waitMs > 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            timer = setTimeout(resolve, waitMs);
          });
          if (isCancelled) return;
        }
        const bytes = encoder.encode(layout.crlf ? text.replaceAll("\n", "\r\n") : text);
        pieces = cut(bytes, layout.splitBytes ?? bytes.length);
      }
      controller.enqueue(pieces.shift()!);
    },
    cancel() {
      isCancelled = true;
      clearTimeout(timer);
      wake?.();
      onEnd("cancelled");
    },
  }, { highWaterMark: 0 });
}

/** Deno prints what breaks a response: one line is enough of that. */
function droppedAsOrdered(): Error {
  const error = new Error("the demo provider drops the connection, as ordered");
  error.stack = error.message;
  return error;
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
  return pieces;
}
