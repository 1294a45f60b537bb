/** Whether an answer is a stream of events, or whole: some providers send either whatever was asked. */

const EVENT_STREAM = /^text\/event-stream\b/i;
const JSON_TYPE = /^application\/([\w.-]+\+)?json\b/i;

/** What whitespace there may be before a JSON body, as OpenRouter and DeepSeek send it. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** An answer's body, not a byte of it lost, and how it is framed. */
export type Framed = { body: ReadableStream<Uint8Array>; isStream: boolean };

/**
 * Decides by the content type where it says it. Where it does not (`text/plain`), by the first byte
 * of the body, which is then waited for: a whole answer read as a stream would be given away, as
 * nothing in it is an event.
 *
 * @param deadlineMs how long that byte is waited for; then the provider is left.
 */
export async function readFraming(
  body: ReadableStream<Uint8Array>,
  contentType: string,
  deadlineMs: number,
): Promise<Framed> {
  if (EVENT_STREAM.test(contentType)) return { body, isStream: true };
  if (JSON_TYPE.test(contentType)) return { body, isStream: false };
  const reader = body.getReader();
  const seen: Uint8Array[] = [];
  let first: number | undefined;
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), deadlineMs);
  while (first === undefined) {
    // An upstream that breaks here breaks for the relay as well, which knows what to tell.
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) break;
    seen.push(value);
    first = value.find((byte) => !BLANKS.has(byte));
  }
  clearTimeout(timer);
  const isWhole = first === 0x7b || first === 0x5b; // "{" and "["
  return { body: continued(seen, reader), isStream: !isWhole };
}

function continued(
  seen: Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = seen.shift();
      if (next !== undefined) return controller.enqueue(next);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
