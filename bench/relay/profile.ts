/** Where the relay's time goes in short answers, beside a hop that reads as it does. */
import { type Figure, figure, type Section } from "../section.ts";
import { startProcess } from "../process.ts";
import { type Contestant, type Race, runRound, startArena } from "./rounds.ts";
import type { Profile } from "./profiler.ts";
import type { ProfileOrder } from "./server.ts";
import type { Variant } from "./variants.ts";

interface Options {
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

const NAMES = {
  "identity-small-reads": "identity hop with the relay's reads",
  relay: "relay and meter",
} as const satisfies Partial<Record<Variant, string>>;
const RACE: Race = { events: 200, pace: "acked", streams: 200, concurrency: 50 };
/** What takes less is not told: µs an event. */
const WORTH_TELLING_US = 0.1;

/** Runs the part; the processes that it starts are gone after it. */
export async function runProfile({ quick, progress }: Options): Promise<Section> {
  await using stop = new AsyncDisposableStack();
  const arena = await startArena(stop);
  const upstream = `http://127.0.0.1:${arena.upstream.ready.port}`;
  const figures: Figure[] = [];
  for (const variant of ["identity-small-reads", "relay"] as const) {
    const contestant: Contestant = {
      variant,
      server: stop.adopt(
        await startProcess("bench/relay/server.ts", {
          args: [`--variant=${variant}`, `--upstream=${upstream}`],
        }),
        (process) => process.stop(),
      ),
      path: "/v1/chat/completions",
      headers: {},
    };
    progress(`profile: ${NAMES[variant]}, warming up`);
    await runRound(RACE, [contestant], arena);
    const profiles: Profile[] = [];
    const rounds = quick ? 2 : 5;
    for (let round = 1; round <= rounds; round++) {
      progress(`profile: ${NAMES[variant]}, round ${round} of ${rounds}`);
      await contestant.server.ask({ profile: "begin" } satisfies ProfileOrder);
      await runRound(RACE, [contestant], arena);
      profiles.push(await contestant.server.ask({ profile: "end" } satisfies ProfileOrder));
    }
    figures.push(...figuresOf(variant, profiles));
  }
  return {
    name: "profile",
    title: "Where the relay's time goes: answers of 200 events, one at a time",
    figures,
    marks: [],
    plots: [],
  };
}

function figuresOf(variant: keyof typeof NAMES, profiles: readonly Profile[]): Figure[] {
  const events = RACE.events * RACE.streams;
  const rooms = new Set(profiles.flatMap((profile) => Object.keys(profile)));
  return [...rooms]
    .map((room) =>
      figure(
        `${NAMES[variant]}: ${room}`,
        "µs/event",
        profiles.map((profile) => (profile[room] ?? 0) / events),
      )
    )
    .filter(({ median }) => median >= WORTH_TELLING_US)
    .sort((a, b) => b.median - a.median);
}
