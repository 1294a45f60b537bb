/** Answers that come compressed, although they are asked for as they are. */

/** The first two bytes of everything that gzip makes. */
const GZIP = [0x1f, 0x8b] as const;

/**
 * The body as it was before gzip: a client that asked for no gzip could not read it, and nothing in it
 * could be metered. Only where the headers say gzip and the bytes are: a runtime may have undone it
 * and kept the header.
 */
export function withoutGzip(response: Response): ReadableStream<Uint8Array> | null {
  const encoding = response.headers.get("content-encoding")?.trim().toLowerCase();
  const isNamed = encoding === "gzip" || encoding === "x-gzip";
  if (response.body === null || !isNamed) return response.body;
  const source = response.body.getReader();
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      reader ??= await begin(source);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => source.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Looks at the first bytes, and reads on from there. */
async function begin(
  source: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const seen: Uint8Array<ArrayBuffer>[] = [];
  let first: number[] = [];
  while (first.length < GZIP.length) {
    const { done, value } = await source.read();
    if (done) break;
    seen.push(value as Uint8Array<ArrayBuffer>);
    first = [...first, ...value.subarray(0, GZIP.length)];
  }
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const next = seen.shift();
      if (next !== undefined) return controller.enqueue(next);
      const { done, value } = await source.read();
      if (done) controller.close();
      else controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
  }, { highWaterMark: 0 });
  const isGzip = GZIP.every((byte, index) => first[index] === byte);
  return isGzip
    ? whole.pipeThrough(new DecompressionStream("gzip")).getReader()
    : whole.getReader();
}
