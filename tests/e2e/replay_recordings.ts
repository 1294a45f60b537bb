/** The recordings as a test of the running proxy has them: who answered, in what, and what it counts. */
import type { DialectName } from "../../shared/llm/dialect.ts";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import { findProvider } from "../../shared/llm/providers.ts";
import type { Tokens } from "../../shared/pricing/usage.ts";
import { cutAt } from "../llm/chunks.ts";
import { listRecordings, networkChunks, readRecording, type Recording } from "../llm/recordings.ts";

/** A recording of a dialect that is spoken here. */
export interface Replay extends Recording {
  readonly dialect: DialectName;
  /** Usage of other models within the answer. */
  readonly other_models?: Readonly<Record<string, OtherModelTokens>>;
  readonly usage_final_verbatim?: unknown;
}

type OtherModelTokens = Omit<Tokens, "input"> & { readonly uncached_input: number };

const all = listRecordings();

/** Whether the recordings are beside this checkout. */
export const areRecordingsThere = all !== null;

/**
 * The recordings of these grades in a dialect that is spoken here. Says which are left out because
 * their provider is not reached over it.
 */
export function replaysOf(grades: string): Replay[] {
  const replays = (all ?? []).filter((one): one is Replay =>
    DIALECTS.has(one.dialect as DialectName) && grades.includes(one.grade)
  );
  const isServed = ({ provider, dialect }: Replay) =>
    findProvider(provider).endpoints[dialect] !== undefined;
  for (const { file } of replays.filter((one) => !isServed(one))) {
    console.log(`Not replayed, as its provider is not reached over this dialect: ${file}`);
  }
  return replays.filter(isServed);
}

/** The body in the chunks in which it arrived; where that is not known, in random ones. */
export function piecesOf(replay: Replay, random: () => number): Uint8Array[] {
  const bytes = readRecording(replay);
  const sizes = replay.streaming ? networkChunks(replay) : null;
  if (sizes === null) {
    return cutAt(bytes, Array.from({ length: 6 }, () => Math.floor(random() * bytes.length)));
  }
  let offset = 0;
  return cutAt(bytes, sizes.map((size) => offset += size));
}

/** The name of a test that is skipped, and says so, where the recordings are not beside the checkout. */
export function ofRecordings(name: string): { name: string; ignore: boolean } {
  return areRecordingsThere
    ? { name, ignore: false }
    : { name: `${name} [no ../shared/recordings beside this checkout]`, ignore: true };
}

/** Reproducible numbers from 0 up to 1, by mulberry32. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
