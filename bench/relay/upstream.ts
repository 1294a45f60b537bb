/**
 * The provider of the benchmark, a process of its own: answers every POST with the same stream, each
 * event a chunk and a write of its own. It speaks HTTP/1.1 by itself, so that it costs little and
 * says exactly when it writes what.
 *
 *     deno run -A bench/relay/upstream.ts
 *
 * Prints `{"port","acksPort"}`. Each line of standard input is an `UpstreamOrder`; it prints `{}` when
 * it counts.
 *
 * Streams are told apart by `stream-<number>` in the request's body. On `acksPort` a client tells, by
 * 32-bit numbers, which stream has reached it up to its last event: then the next one is sent, so that
 * no two events can melt into one read on the way, however busy the machine is.
 */
import { answerEvents } from "./events.ts";
import { readLines } from "../lines.ts";

export interface UpstreamOrder {
  /** Of each answer. */
  readonly events: number;
  /** `acked`: one event at a time. `blast`: all at once. `open`: five events, and no end. */
  readonly pace: "acked" | "blast" | "open";
  /** How long after the request the first byte comes. */
  readonly firstMs: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
const HEAD = encoder.encode(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" +
    "cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n",
);
const END = encoder.encode("0\r\n\r\n");
/** Of an `open` stream. */
const OPEN_EVENTS = 5;

let order: UpstreamOrder = { events: 200, pace: "blast", firstMs: 0 };
let chunks: Uint8Array[] = [];
/** Acknowledgements that no event has answered yet, and who waits for one. */
const streams = new Map<number, { acks: number; wake: (() => void) | null }>();

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const acks = Deno.listen({ hostname: "127.0.0.1", port: 0 });
void acceptAll(listener, serve);
void acceptAll(acks, readAcks);
console.log(JSON.stringify({ port: listener.addr.port, acksPort: acks.addr.port }));
for await (const line of readLines(Deno.stdin.readable)) {
  order = JSON.parse(line);
  chunks = answerEvents(order.events).map(asChunk);
  console.log("{}");
}
Deno.exit(0);

function asChunk(event: Uint8Array): Uint8Array {
  const head = encoder.encode(`${event.length.toString(16)}\r\n`);
  const chunk = new Uint8Array(head.length + event.length + 2);
  chunk.set(head);
  chunk.set(event, head.length);
  chunk.set([13, 10], head.length + event.length);
  return chunk;
}

async function acceptAll(
  listener: Deno.TcpListener,
  take: (connection: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  for await (const connection of listener) {
    connection.setNoDelay(true);
    // Whoever is measured may hang up at any time.
    take(connection).catch((error) => {
      if (!isHangUp(error)) throw error;
    }).finally(() => {
      try {
        connection.close();
      } catch {
        // It is closed.
      }
    });
  }
}

function isHangUp(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset;
}

async function readAcks(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  let kept = 0;
  for (;;) {
    const count = await connection.read(buffer.subarray(kept));
    if (count === null) return;
    const whole = (kept + count) & ~3;
    const view = new DataView(buffer.buffer, 0, whole);
    for (let at = 0; at < whole; at += 4) {
      const stream = streams.get(view.getUint32(at));
      if (stream === undefined) continue;
      stream.acks++;
      stream.wake?.();
      stream.wake = null;
    }
    buffer.copyWithin(0, whole, kept + count);
    kept = kept + count - whole;
  }
}

async function serve(connection: Deno.TcpConn): Promise<void> {
  for (;;) {
    const id = await readRequest(connection);
    if (id === null) return;
    await answer(connection, id);
  }
}

/** The stream's number; null when the connection ended. Reads one request at a time. */
async function readRequest(connection: Deno.TcpConn): Promise<number | null> {
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  for (;;) {
    const end = text.indexOf("\r\n\r\n");
    if (end !== -1) {
      const length = Number(text.slice(0, end).match(/content-length: *(\d+)/i)?.[1] ?? 0);
      if (text.length >= end + 4 + length) return Number(text.match(/stream-(\d+)/)?.[1] ?? 0);
    }
    const count = await connection.read(buffer);
    if (count === null) return null;
    text += decoder.decode(buffer.subarray(0, count));
  }
}

async function answer(connection: Deno.TcpConn, id: number): Promise<void> {
  const { pace, firstMs } = order;
  const answer = chunks;
  if (firstMs > 0) await new Promise((resolve) => setTimeout(resolve, firstMs));
  await writeAll(connection, HEAD);
  if (pace === "open") {
    for (const chunk of answer.slice(0, OPEN_EVENTS)) await writeAll(connection, chunk);
    await new Promise(() => {});
  }
  const stream: { acks: number; wake: (() => void) | null } = { acks: 0, wake: null };
  streams.set(id, stream);
  for (const [index, chunk] of answer.entries()) {
    if (pace === "acked" && index > 0) {
      if (stream.acks === 0) await new Promise<void>((resolve) => stream.wake = resolve);
      stream.acks--;
    }
    await writeAll(connection, chunk);
  }
  streams.delete(id);
  await writeAll(connection, END);
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
