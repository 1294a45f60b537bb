/** What the relay costs: the same streams through each variant, in rounds. */
import { type Figure, figure, type Mark, type Plot, type Section } from "../section.ts";
import { startProcess } from "../process.ts";
import { chatProxyEnvironment, startBenchStack } from "../stack.ts";
import { measureMemory } from "./memory.ts";
import { type Contestant, type Lap, type Race, runRound, startArena } from "./rounds.ts";
import { type Variant, VARIANTS } from "./variants.ts";

/** What the relay is held against. */
const HOPS = ["identity", "identity-small-reads"] as const;

interface Ratios {
  readonly streams: Figure;
  readonly cpu: Figure;
}

interface Options {
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

/** The end of a name in figures and plots. */
const LABEL: Record<Variant, string> = {
  untouched: "body untouched",
  identity: "identity hop",
  "identity-small-reads": "identity hop with the relay's reads",
  relay: "relay and meter",
  whole: "whole path",
};

const RACES: readonly Race[] = [
  { events: 200, pace: "acked", streams: 100, concurrency: 50 },
  { events: 5_000, pace: "acked", streams: 8, concurrency: 8 },
  { events: 200, pace: "blast", streams: 100, concurrency: 20 },
  { events: 5_000, pace: "blast", streams: 8, concurrency: 8 },
];
const LONG: Race = { events: 10_000, pace: "acked", streams: 2, concurrency: 2 };

/** Runs the part; the processes that it starts are gone after it. */
export async function runRelay({ quick, progress }: Options): Promise<Section> {
  progress("relay: starting a stack");
  await using stop = new AsyncDisposableStack();
  const { stack, user } = stop.adopt(await startBenchStack(), ({ stack }) => stack.stop());
  const arena = await startArena(stop);
  const upstreamUrl = `http://127.0.0.1:${arena.upstream.ready.port}`;
  const startContestant = async (variant: Variant, collects: boolean): Promise<Contestant> => ({
    variant,
    server: await startProcess("bench/relay/server.ts", {
      args: [`--variant=${variant}`, `--upstream=${upstreamUrl}`],
      ...(collects && { v8Flags: "--expose-gc" }),
      env: variant === "whole" ? chatProxyEnvironment(stack.details, upstreamUrl) : {},
    }),
    path: variant === "whole" ? "/chat-proxy/v1/chat/completions" : "/v1/chat/completions",
    headers: variant === "whole" ? { authorization: `Bearer ${user.token}` } : {},
  });

  const contestants: Contestant[] = [];
  for (const variant of VARIANTS) {
    contestants.push(
      stop.adopt(await startContestant(variant, false), ({ server }) => server.stop()),
    );
  }

  const figures: Figure[] = [];
  const marks: Mark[] = [];
  const bars: { race: string; cpu: Map<Variant, number> }[] = [];
  const rounds = quick ? 3 : 9;
  for (const full of RACES) {
    const race = quick ? { ...full, streams: Math.max(4, full.streams / 5) } : full;
    const name = `${race.events.toLocaleString("en")} events, ${
      race.pace === "acked" ? "one at a time" : "all at once"
    }`;
    progress(`relay: ${name}, warming up`);
    await runRound(race, contestants, arena);
    const laps: Map<Variant, Lap>[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`relay: ${name}, round ${round} of ${rounds}`);
      laps.push(await runRound(race, contestants, arena));
    }
    const read = readLaps(name, laps);
    figures.push(...read.figures);
    if (race.pace === "acked") marks.push(...read.ratios.flatMap(marksOf));
    bars.push({
      race: name,
      cpu: new Map(VARIANTS.map((variant) => [variant, cpuOf(name, laps, variant).median])),
    });
  }

  const long: number[] = [];
  const metered = contestants.filter(({ variant }) => variant === "relay");
  for (let round = 1; round <= (quick ? 2 : 5); round++) {
    progress(`relay: answers of ${LONG.events.toLocaleString("en")} events, round ${round}`);
    const laps = await runRound(LONG, metered, arena);
    long.push(lapOf(laps, "relay").cpuMsPerStream);
  }
  const longFigure = figure("relay and meter, 10,000 events: CPU an answer", "ms", long);
  figures.push(longFigure);
  marks.push({
    name: longFigure.name,
    unit: "ms",
    value: longFigure.median,
    is: "at_most",
    limit: 500,
  });

  const open = quick ? 200 : 1_000;
  for (const variant of VARIANTS) {
    progress(`relay: ${open.toLocaleString("en")} open streams, ${LABEL[variant]}`);
    const contestant = await startContestant(variant, true);
    const values = [await measureMemory(contestant, arena.upstream, open)];
    await contestant.server.stop();
    const name = `${LABEL[variant]}, ${open.toLocaleString("en")} open streams: memory a stream`;
    figures.push(figure(name, "bytes", values));
  }

  return {
    name: "relay",
    title: "The relay against a bare one",
    figures,
    marks,
    plots: [cpuPlot(bars)],
  };
}

function readLaps(name: string, laps: readonly Map<Variant, Lap>[]) {
  const figures = VARIANTS.flatMap((variant) => [
    figure(
      `${LABEL[variant]}, ${name}`,
      "streams/s",
      laps.map((lap) => lapOf(lap, variant).streamsPerSecond),
    ),
    cpuOf(name, laps, variant),
  ]);
  const ratios = HOPS.map((hop): Ratios => {
    const ratio = (of: (lap: Lap) => number) =>
      laps.map((lap) => of(lapOf(lap, "relay")) / of(lapOf(lap, hop)));
    const to = `relay and meter to ${LABEL[hop]}, ${name}`;
    return {
      streams: figure(`${to}: streams/s`, "×", ratio((lap) => lap.streamsPerSecond)),
      cpu: figure(`${to}: CPU an event`, "×", ratio((lap) => lap.cpuUsPerEvent)),
    };
  });
  return { figures: [...figures, ...ratios.flatMap(({ streams, cpu }) => [streams, cpu])], ratios };
}

function marksOf({ streams, cpu }: Ratios): Mark[] {
  return [
    { name: streams.name, unit: "×", value: streams.median, is: "at_least", limit: 0.95 },
    { name: cpu.name, unit: "×", value: cpu.median, is: "at_most", limit: 1.1 },
  ];
}

function cpuOf(name: string, laps: readonly Map<Variant, Lap>[], variant: Variant): Figure {
  const values = laps.map((lap) => lapOf(lap, variant).cpuUsPerEvent);
  return figure(`${LABEL[variant]}, ${name}`, "µs/event", values);
}

function lapOf(laps: ReadonlyMap<Variant, Lap>, variant: Variant): Lap {
  const lap = laps.get(variant);
  if (lap === undefined) throw new Error(`${variant} did not run`);
  return lap;
}

function cpuPlot(bars: readonly { race: string; cpu: ReadonlyMap<Variant, number> }[]): Plot {
  return {
    name: "relay-cpu",
    title: "CPU of the server for one event",
    x: { title: "stream", scale: "category" },
    y: { title: "CPU (µs an event)", scale: "linear" },
    series: VARIANTS.map((variant) => ({
      name: LABEL[variant],
      points: bars.map(({ race, cpu }) => ({ x: race, y: cpu.get(variant) ?? 0 })),
    })),
  };
}
