/** A process of the benchmark: a program beside this one, talked to by lines of JSON. */
import { fileURLToPath } from "node:url";
import { readLines } from "./lines.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface BenchProcess<Ready> {
  /** What it printed first. */
  readonly ready: Ready;
  readonly pid: number;
  /** Sends a line, and gives the line that it answers. One at a time. */
  ask<Answer>(order: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly v8Flags?: string;
}

/**
 * Starts a program of this repo and waits for its first line.
 * @throws Error when it ends before it has answered.
 */
export async function startProcess<Ready>(
  program: string,
  { args = [], env = {}, v8Flags }: ProcessOptions = {},
): Promise<BenchProcess<Ready>> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", "--no-check", "--quiet"],
      ...(v8Flags === undefined ? [] : [`--v8-flags=${v8Flags}`]),
      ...[program, ...args],
    ],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = readLines(child.stdout);
  const writer = child.stdin.getWriter();
  const next = async <Answer>(): Promise<Answer> => {
    const line = await lines.next();
    if (line.done) throw new Error(`${program} ended before it answered`);
    return JSON.parse(line.value);
  };
  return {
    ready: await next<Ready>(),
    pid: child.pid,
    ask: async (order) => {
      await writer.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
      return await next();
    },
    stop: async () => {
      try {
        child.kill("SIGKILL");
      } catch {
        // It ended by itself.
      }
      await child.status;
      await writer.abort().catch(() => {});
      await lines.return(undefined);
    },
  };
}
