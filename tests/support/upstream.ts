/** A provider under the test's hand: it answers what the test says and remembers what it was asked. */

export interface Upstream {
  /** For `<PROVIDER>_BASE_URL`. */
  readonly url: string;
  /** What the next requests are answered with; by what was asked, where a test has several under way. */
  respond: (body: Record<string, unknown>) => Response;
  /** Bodies of the requests, oldest first. */
  readonly bodies: Record<string, unknown>[];
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1. */
export function startUpstream(): Upstream {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.json();
      upstream.bodies.push(body);
      return upstream.respond(body);
    },
  );
  const upstream: Upstream = {
    url: `http://127.0.0.1:${server.addr.port}`,
    respond: () => new Response("nobody said what to answer", { status: 500 }),
    bodies: [],
    stop: () => server.shutdown(),
  };
  return upstream;
}

/** A body of these pieces, each written for itself; then the end, or a broken connection. */
export function streamOf(
  pieces: readonly Uint8Array[],
  { breaks = false, pauseMs = 0 }: { breaks?: boolean; pauseMs?: number } = {},
): Response {
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A turn of the event loop, so that two pieces are two writes.
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const piece = pieces[at++];
      if (piece !== undefined) return controller.enqueue(piece);
      if (!breaks) return controller.close();
      const error = new Error("the upstream breaks off, as the test wants it");
      error.stack = error.message;
      controller.error(error);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}

/**
 * A body of these pieces that is shorter than was promised: for the reader it breaks off. All that was
 * written arrives before, and nothing is printed, so that thousands can.
 */
export function shortStream(pieces: readonly Uint8Array[]): Response {
  const response = streamOf(pieces);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 1);
  response.headers.set("content-length", String(length));
  return response;
}

/** A stream that falls silent after its first bytes until it is told to go on. */
export interface HeldStream {
  readonly response: Response;
  /** Sends what is left. */
  goOn(): void;
  /** Resolves when the reader hung up before the end. */
  readonly left: Promise<void>;
}

/** Answers with `before`, and with `after` once it is told to. */
export function heldStream(before: Uint8Array, after: Uint8Array): HeldStream {
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const { promise: told, resolve: goOn } = Promise.withResolvers<void>();
  const pieces = [before, after].filter((piece) => piece.length > 0);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (sent > 0 || before.length === 0) await Promise.race([told, left]);
      const piece = pieces[sent++];
      try {
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      } catch {
        // It was left meanwhile.
      }
    },
    cancel: () => leave(),
  }, { highWaterMark: 0 });
  const response = new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8" },
  });
  return { response, goOn, left };
}
