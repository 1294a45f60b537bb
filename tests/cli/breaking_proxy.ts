/** A proxy before a stack that breaks what a test tells it to: a fault at the edge, nothing else. */

/** Answers a request itself, or by `forward`, which takes a changed request too. */
export type Fault = (
  request: Request,
  forward: (request: Request) => Promise<Response>,
) => Promise<Response> | Response;

export interface BreakingProxy {
  readonly url: string;
  /** Null: everything passes unchanged. */
  fault: Fault | null;
  stop(): Promise<void>;
}

export function startBreakingProxy(upstream: string): BreakingProxy {
  const forward = async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    const response = await fetch(`${upstream}${pathname}${search}`, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: "manual",
    });
    // What fetch has decoded is no longer encoded.
    const headers = new Headers(response.headers);
    for (const name of ["content-encoding", "content-length"]) headers.delete(name);
    return new Response(response.body, { status: response.status, headers });
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => proxy.fault === null ? forward(request) : proxy.fault(request, forward),
  );
  const proxy: BreakingProxy = {
    url: `http://127.0.0.1:${server.addr.port}`,
    fault: null,
    stop: () => server.shutdown(),
  };
  return proxy;
}
