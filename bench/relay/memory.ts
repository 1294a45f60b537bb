/** What an open stream holds of a server's memory. */
import { type BenchProcess, startProcess } from "../process.ts";
import type { LoadOrder } from "./load.ts";
import type { Contestant } from "./rounds.ts";
import type { Consumption, ConsumptionOrder } from "./server.ts";
import type { UpstreamOrder } from "./upstream.ts";

/** So many at once: a thousand would wait longer for the ledger than it is given. */
const STEPS = 20;
const AFTER_COLLECTION: ConsumptionOrder = { collects: true };
/** Each has got so many events, and waits for the next. */
const EVENTS = 5;

/**
 * Opens `streams` streams and leaves them open. The server was started with `--expose-gc`.
 * @returns bytes of resident memory a stream, more than after the first few.
 */
export async function measureMemory(
  { server, path, headers }: Contestant,
  upstream: BenchProcess<unknown>,
  streams: number,
): Promise<number> {
  const load = await startProcess("bench/relay/load.ts");
  const open = (count: number) => {
    const order: LoadOrder = {
      port: server.ready.port,
      path,
      headers,
      acksPort: null,
      streams: count,
      concurrency: count,
      openAfterEvents: EVENTS,
      pauseMs: 0,
    };
    return load.ask(order);
  };
  try {
    const order: UpstreamOrder = { events: 200, pace: "open", firstMs: 0 };
    await upstream.ask(order);
    // Code that has never run is no stream's memory.
    await open(streams / STEPS);
    const before = await server.ask<Consumption>(AFTER_COLLECTION);
    for (let step = 0; step < STEPS; step++) await open(streams / STEPS);
    const after = await server.ask<Consumption>(AFTER_COLLECTION);
    return (after.rssBytes - before.rssBytes) / streams;
  } finally {
    await load.stop();
  }
}
