/** A provider under the test's hand: it answers what the test says and remembers what it was asked. */

export interface Upstream {
  /** For `<PROVIDER>_BASE_URL`. */
  readonly url: string;
  /** What the next requests are answered with. */
  respond: () => Response;
  /** Bodies of the requests, oldest first. */
  readonly bodies: Record<string, unknown>[];
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1. */
export function startUpstream(): Upstream {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      upstream.bodies.push(await request.json());
      return upstream.respond();
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
