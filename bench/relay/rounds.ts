/** Rounds: every variant once in each, in an order of chance, so that what changes meets them all. */
import { type BenchProcess, startProcess } from "../process.ts";
import type { LoadOrder, LoadResult } from "./load.ts";
import type { Consumption, ConsumptionOrder } from "./server.ts";
import type { UpstreamOrder } from "./upstream.ts";
import type { Variant } from "./variants.ts";

export interface Contestant {
  readonly variant: Variant;
  readonly server: BenchProcess<{ port: number }>;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Arena {
  readonly upstream: BenchProcess<{ port: number; acksPort: number }>;
  readonly load: BenchProcess<unknown>;
}

/** Starts provider and clients; they are gone when `stop` is. */
export async function startArena(stop: AsyncDisposableStack): Promise<Arena> {
  return {
    upstream: stop.adopt(
      await startProcess<{ port: number; acksPort: number }>("bench/relay/upstream.ts"),
      (process) => process.stop(),
    ),
    load: stop.adopt(await startProcess("bench/relay/load.ts"), (process) => process.stop()),
  };
}

/** What one variant did in one round. */
export interface Lap {
  readonly streamsPerSecond: number;
  readonly cpuUsPerEvent: number;
  /** Of the server, for a whole answer, in milliseconds. */
  readonly cpuMsPerStream: number;
  readonly readsPerEvent: number;
}

export interface Race {
  readonly events: number;
  readonly pace: "acked" | "blast";
  readonly streams: number;
  readonly concurrency: number;
}

/** One lap of each contestant; by variant. */
export async function runRound(
  race: Race,
  contestants: readonly Contestant[],
  arena: Arena,
): Promise<Map<Variant, Lap>> {
  const order: UpstreamOrder = { events: race.events, pace: race.pace, firstMs: 0 };
  await arena.upstream.ask(order);
  const laps = new Map<Variant, Lap>();
  for (const contestant of shuffled(contestants)) {
    laps.set(contestant.variant, await runLap(race, contestant, arena));
  }
  return laps;
}

/** A collection would be a part of what is measured, and throws compiled code away. */
const CONSUMPTION: ConsumptionOrder = { collects: false };

async function runLap(race: Race, contestant: Contestant, arena: Arena): Promise<Lap> {
  const { server } = contestant;
  const before = await server.ask<Consumption>(CONSUMPTION);
  const order: LoadOrder = {
    port: server.ready.port,
    path: contestant.path,
    headers: contestant.headers,
    acksPort: race.pace === "acked" ? arena.upstream.ready.acksPort : null,
    streams: race.streams,
    concurrency: race.concurrency,
    openAfterEvents: null,
    pauseMs: 0,
  };
  const result = await arena.load.ask<LoadResult>(order);
  const after = await server.ask<Consumption>(CONSUMPTION);
  const expected = race.streams * race.events;
  if (result.events < expected) {
    throw new Error(`${contestant.variant} lost events: ${result.events} of ${expected}`);
  }
  const cpuUs = after.cpuUs - before.cpuUs;
  return {
    streamsPerSecond: race.streams / (result.wallMs / 1000),
    cpuUsPerEvent: cpuUs / expected,
    cpuMsPerStream: cpuUs / 1000 / race.streams,
    readsPerEvent: result.reads / expected,
  };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
