/** A bar for long work, on a terminal; elsewhere a line each few seconds. Both on stderr. */
import process from "node:process";
// @ts-types="@types/cli-progress"
import { Presets, SingleBar } from "cli-progress";

export interface Progress {
  /** So much has been done in all. */
  at(done: number): void;
  /** Ends the bar; call it whatever happened. */
  stop(): void;
}

const LINE_EACH_MS = 5_000;

/** Starts at zero. `what` is what is counted, such as "users". */
export function startProgress(total: number, what: string): Progress {
  if (!Deno.stderr.isTerminal()) return startLines(total, what);
  const bar = new SingleBar({
    format: `  {bar} {value} of {total} ${what}, {eta_formatted} to go`,
    stream: process.stderr,
    hideCursor: true,
  }, Presets.shades_classic);
  bar.start(total, 0);
  return { at: (done) => bar.update(done), stop: () => bar.stop() };
}

function startLines(total: number, what: string): Progress {
  let saidMs = Date.now();
  return {
    at(done) {
      if (Date.now() - saidMs < LINE_EACH_MS) return;
      saidMs = Date.now();
      console.error(`… ${done} of ${total} ${what}`);
    },
    stop() {},
  };
}
