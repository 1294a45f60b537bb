/**
 * A ledger that answers after exactly so long, a process of its own. What it answers is what the real
 * one did: the first call of each function is passed on and its answer kept; later ones are given
 * that answer, under their own request's id.
 *
 *     deno run -A bench/first_token/data_api.ts --to=http://127.0.0.1:54321
 *
 * Prints `{"port"}`. Each line of standard input is a `DataApiOrder`; it prints `{}` when it counts.
 */
import { parseArgs } from "node:util";
import { readLines } from "../lines.ts";

export interface DataApiOrder {
  /** From a call to its answer. */
  readonly delayMs: number;
}

interface Recorded {
  readonly requestId: string | null;
  readonly body: string;
  readonly status: number;
}

const { values } = parseArgs({ options: { to: { type: "string" } } });
const recordings = new Map<string, Promise<Recorded>>();
let delayMs = 0;
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
console.log(JSON.stringify({ port: server.addr.port }));
for await (const line of readLines(Deno.stdin.readable)) {
  ({ delayMs } = JSON.parse(line) as DataApiOrder);
  console.log("{}");
}
Deno.exit(0);

async function answer(request: Request): Promise<Response> {
  const startedMs = performance.now();
  const { pathname, search } = new URL(request.url);
  const text = await request.text();
  const requestId = requestIdOf(text);
  const recorded = recordings.get(pathname);
  const { body, ...known } = await (recorded ?? record(pathname, search, request, text));
  const own = requestId === null || known.requestId === null
    ? body
    : body.replaceAll(known.requestId, requestId);
  const leftMs = delayMs - (performance.now() - startedMs);
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
  // 204 has no body, not even an empty one.
  return new Response(own === "" ? null : own, {
    status: known.status,
    headers: { "content-type": "application/json; charset=utf-8" },
  });
}

function record(path: string, search: string, request: Request, text: string): Promise<Recorded> {
  const recording = (async (): Promise<Recorded> => {
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.delete("content-length");
    const response = await fetch(`${values.to}${path}${search}`, {
      method: request.method,
      headers,
      ...(request.method === "GET" ? {} : { body: text }),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`${path} of the real ledger: ${response.status} ${body}`);
    return { requestId: requestIdOf(text), body, status: response.status };
  })();
  recordings.set(path, recording);
  recording.catch(() => recordings.delete(path));
  return recording;
}

function requestIdOf(text: string): string | null {
  return text.match(/"p_request_id":"([^"]+)"/)?.[1] ?? null;
}
