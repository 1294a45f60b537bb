/** Runs the functions process and starts it again whenever it dies. */
import { fileURLToPath } from "node:url";

export interface FunctionsProcessOptions {
  /** Folder with one folder a function. */
  readonly folder: string;
  /** What the functions see besides the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line that the functions print and with what becomes of the process. */
  readonly log: (line: string) => void;
  /** Told at each start, and again when it listens. */
  readonly onChange?: (process: Pick<FunctionsProcess, "pid" | "url">) => void;
}

export interface FunctionsProcess {
  /** Where it listens. Another after a restart, if something else has taken the port by then. */
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
  let port = 0;
  let isStopping = false;
  let delayMs = RESTART_DELAY_MS_MIN;
  let restartTimer: ReturnType<typeof setTimeout> | undefined;
  let ended: Promise<void> = Promise.resolve();

  const start = async (): Promise<void> => {
    const startedAt = Date.now();
    const child = spawn(options, port);
    current = child;
    options.onChange?.(process);
    const listening = watch(child, options.log);
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
    const listensOn = await listening;
    if (listensOn === null) {
      throw new Error("Cannot start the functions process: see its messages.");
    }
    port = listensOn;
    options.onChange?.(process);
  };

  const process: FunctionsProcess = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
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

function spawn(options: FunctionsProcessOptions, port: number): Deno.ChildProcess {
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
      `--port=${port}`,
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

/** The port of the line `ready <port>`; null when the process ends without it. */
function watch(child: Deno.ChildProcess, log: (line: string) => void): Promise<number | null> {
  const ready = Promise.withResolvers<number | null>();
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
    read(child.stdout, (line) => {
      const [, port] = /^ready (\d+)$/.exec(line) ?? [];
      if (port === undefined) log(line);
      else ready.resolve(Number(port));
    }),
    read(child.stderr, log),
  ];
  Promise.allSettled(reading).then(() => ready.resolve(null));
  return ready.promise;
}
