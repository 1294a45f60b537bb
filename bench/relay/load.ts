/**
 * The clients of the benchmark, a process of its own. It speaks HTTP/1.1 by itself and looks at no
 * more than the ends of events, so that it costs little beside what is measured.
 *
 *     deno run -A bench/relay/load.ts
 *
 * Prints `{}`. Each line of standard input is a `LoadOrder`, answered with a `LoadResult` when all
 * streams have ended, or are open.
 */
import { readLines } from "../lines.ts";

export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Access tokens, one a stream in turn; none where the caller needs none. */
  readonly tokens?: readonly string[];
  /** Where the upstream takes acknowledgements; null where nobody waits for them. */
  readonly acksPort: number | null;
  readonly streams: number;
  /** How many streams at a time. */
  readonly concurrency: number;
  /** A stream is done when it has so many events, and stays open; null: at its end. */
  readonly openAfterEvents: number | null;
  /**
   * Waited between two streams of a connection, on average: by chance between nothing and twice as
   * long, so that connections do not ask in step.
   */
  readonly pauseMs: number;
}

export interface LoadResult {
  readonly wallMs: number;
  readonly events: number;
  readonly bytes: number;
  /** How many reads it took; where each event came alone, as many as events and a few more. */
  readonly reads: number;
  /** From the request to its first event, a stream each. */
  readonly firstEventMs: readonly number[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");
const LF = 10;
let nextStream = 1;
/** Streams that are kept open live as long as this process. */
const kept: Deno.TcpConn[] = [];

console.log("{}");
for await (const line of readLines(Deno.stdin.readable)) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}
Deno.exit(0);

async function run(order: LoadOrder): Promise<LoadResult> {
  const acks = order.acksPort === null ? null : await openAcks(order.acksPort);
  const result = { wallMs: 0, events: 0, bytes: 0, reads: 0, firstEventMs: [] as number[] };
  let left = order.streams;
  const connections = await Promise.all(
    Array.from(
      { length: Math.min(order.concurrency, order.streams) },
      () => Deno.connect({ hostname: "127.0.0.1", port: order.port }),
    ),
  );
  const startedMs = performance.now();
  await Promise.all(connections.map(async (connection) => {
    connection.setNoDelay(true);
    const buffer = new Uint8Array(order.openAfterEvents === null ? 64 * 1024 : 4 * 1024);
    while (left-- > 0) {
      await readStream(connection, buffer, order, acks, result);
      if (order.openAfterEvents !== null) break;
      if (order.pauseMs > 0) await pause(order.pauseMs);
    }
    if (order.openAfterEvents === null) connection.close();
    else kept.push(connection);
  }));
  result.wallMs = performance.now() - startedMs;
  acks?.close();
  return result;
}

function pause(averageMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * averageMs));
}

async function readStream(
  connection: Deno.TcpConn,
  buffer: Uint8Array,
  order: LoadOrder,
  acks: Acks | null,
  result: { events: number; bytes: number; reads: number; firstEventMs: number[] },
): Promise<void> {
  const id = nextStream++;
  const request = requestOf(order, id);
  const startedMs = performance.now();
  for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
  let events = 0;
  let tail = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error("The server hung up within an answer");
    result.reads++;
    result.bytes += count;
    const bytes = buffer.subarray(0, count);
    if (tail === "" && !decoder.decode(bytes.subarray(0, 16)).startsWith("HTTP/1.1 200")) {
      throw new Error(`The server refused: ${decoder.decode(bytes)}`);
    }
    const before = events;
    // An event ends with LF LF; of HTTP's own line ends none has a second LF.
    for (let lf = bytes.indexOf(LF); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
      const isSecond = lf === 0 ? tail.endsWith("\n") : bytes[lf - 1] === LF;
      if (isSecond) events++;
    }
    if (before === 0 && events > 0) result.firstEventMs.push(performance.now() - startedMs);
    result.events += events - before;
    for (let ended = before; ended < events; ended++) acks?.send(id);
    if (order.openAfterEvents !== null && events >= order.openAfterEvents) return;
    tail = (tail + decoder.decode(bytes.subarray(-5))).slice(-5);
    if (events > 0 && tail === "0\r\n\r\n") return;
  }
}

function requestOf(order: LoadOrder, id: number): Uint8Array {
  const body = encoder.encode(JSON.stringify({
    model: "openai:gpt-4o",
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: "user", content: `How does a relay work? (stream-${id})` }],
  }));
  const token = order.tokens?.[id % order.tokens.length];
  const headers = {
    host: "127.0.0.1",
    "content-type": "application/json",
    "content-length": String(body.length),
    ...order.headers,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const start = encoder.encode(`POST ${order.path} HTTP/1.1\r\n${head}\r\n`);
  const request = new Uint8Array(start.length + body.length);
  request.set(start);
  request.set(body, start.length);
  return request;
}

interface Acks {
  send(id: number): void;
  close(): void;
}

/** Tells the upstream; what comes up while a write is under way goes with the next one. */
async function openAcks(port: number): Promise<Acks> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  let waiting: number[] = [];
  let isWriting = false;
  const flush = async () => {
    isWriting = true;
    while (waiting.length > 0) {
      const view = new DataView(new ArrayBuffer(waiting.length * 4));
      waiting.forEach((id, index) => view.setUint32(index * 4, id));
      waiting = [];
      const bytes = new Uint8Array(view.buffer);
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    }
    isWriting = false;
  };
  return {
    send(id) {
      waiting.push(id);
      if (!isWriting) void flush();
    },
    close: () => connection.close(),
  };
}
