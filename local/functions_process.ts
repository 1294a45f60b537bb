/** Runs the functions process and starts it again whenever it dies. */
import { fileURLToPath } from "node:url";

export interface FunctionsProcessOptions {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Folder with one folder a function. */
  readonly folder: string;
  /** What the functions see besides the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line that the functions print and with what becomes of the process. */
  readonly log: (line: string) => void;
  /** Called with the process id at each start. */
  readonly onStart?: (pid: number) => void;
}

export interface FunctionsProcess {
  readonly url: string;
  /** Process id of the current incarnation; null while it is being restarted. */
  readonly pid: number | null;
  /** Asks it to end, which drains its background work, and waits. No restart follows. */
  stop(): Promise<void>;
}

const RESTART_DELAY_MS_MIN = 100;
const RESTART_DELAY_MS_MAX = 5_000;
/** A process that lived this long did not fail at its start: forget earlier failures. */
const STABLE_MS = 10_000;
/** A little more than the process gives itself. */
const STOP_TIMEOUT_MS = 15_000;

/** Resolves when the functions answer for the first time. @throws Error when they do not start. */
export async function startFunctionsProcess(
  options: FunctionsProcessOptions,
): Promise<FunctionsProcess> {
  let current: Deno.ChildProcess | null = null;
  let isStopping = false;
  let delayMs = RESTART_DELAY_MS_MIN;
  let restartTimer: ReturnType<typeof setTimeout> | undefined;
  let ended: Promise<void> = Promise.resolve();

  const start = async (): Promise<void> => {
    const startedAt = Date.now();
    const child = spawn(options);
    current = child;
    options.onStart?.(child.pid);
    const isReady = watch(child, options.log);
    ended = child.status.then((status) => {
      current = null;
      if (isStopping) return;
      if (Date.now() - startedAt > STABLE_MS) delayMs = RESTART_DELAY_MS_MIN;
      options.log(
        `the functions process (${child.pid}) died (${status.signal ?? `code ${status.code}`}); ` +
          `starting it again in ${delayMs} ms`,
      );
      restartTimer = setTimeout(() => void start().catch(() => {}), delayMs);
      delayMs = Math.min(delayMs * 2, RESTART_DELAY_MS_MAX);
    });
    if (!await isReady) throw new Error("Cannot start the functions process: see its messages.");
  };

  const process: FunctionsProcess = {
    url: `http://127.0.0.1:${options.port}`,
    get pid() {
      return current?.pid ?? null;
    },
    stop: async () => {
      isStopping = true;
      clearTimeout(restartTimer);
      if (current === null) return;
      const child = current;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
  try {
    await start();
    return process;
  } catch (error) {
    await process.stop();
    throw error;
  }
}

function spawn(options: FunctionsProcessOptions): Deno.ChildProcess {
  const program = fileURLToPath(new URL("./functions_host.ts", import.meta.url));
  const config = fileURLToPath(new URL("../deno.json", import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      "--quiet",
      `--config=${config}`,
      program,
      `--port=${options.port}`,
      `--folder=${options.folder}`,
    ],
    env: options.env,
    // Its own process group: Ctrl-C reaches it through us, in its turn.
    detached: true,
    // Never written to: it closes when this process dies, however it dies, and ends the child too.
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Resolves true at the line `ready`, false when the process ends without it. */
function watch(child: Deno.ChildProcess, log: (line: string) => void): Promise<boolean> {
  const ready = Promise.withResolvers<boolean>();
  const read = async (stream: ReadableStream<Uint8Array>, onLine: (line: string) => void) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream() as TransformStream)) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      lines.forEach(onLine);
    }
    if (rest !== "") onLine(rest);
  };
  const reading = [
    read(child.stdout, (line) => line === "ready" ? ready.resolve(true) : log(line)),
    read(child.stderr, log),
  ];
  Promise.allSettled(reading).then(() => ready.resolve(false));
  return ready.promise;
}
