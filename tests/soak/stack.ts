/** The stack under attack: it can be killed in each of its parts, and comes back on its own folder. */
import { join } from "node:path";
import { withRole } from "../../local/database.ts";
import { freePort } from "../../local/free_port.ts";
import { surviveLostSockets } from "../../local/lost_sockets.ts";
import { connect, type Sql } from "../support/connect.ts";
import { type Keeper, startKeeper } from "../support/keeper.ts";
import type { KeptStack, StackOrder } from "../support/stack_keeper.ts";
import { until } from "../support/until.ts";

export type Victim = "functions" | "backend" | "postmaster" | "supervisor";

export interface SoakStack {
  readonly details: KeptStack["details"];
  readonly folder: string;
  readonly logFile: string;
  /** As the superuser; another one after a restart of the supervisor. */
  readonly sql: Sql;
  /** Resident memory of the functions process in MiB; null while it is away. */
  functionsMemory(): Promise<number | null>;
  /** kill -9. @returns when it happened, or null where there was nobody to kill. */
  kill(victim: Victim): Promise<number | null>;
  /** Starts again what is away, and waits until all of it answers. */
  heal(): Promise<void>;
  /** What the local stack itself did wrong since this was asked last; each took its processes along. */
  failures(): Failure[];
  stop(): Promise<void>;
}

export interface Failure {
  readonly at: number;
  readonly violation: string;
}

const UP_MS = 60_000;
/** How long a stack may take to be healthy, once its processes run. */
const PATIENCE_MS = 15_000;
/** After so many starts it will not be healthy: something else is wrong. */
const HEALS_MAX = 5;

/** Starts it. @param target told the platform's address. */
export async function startSoakStack(
  order: Pick<StackOrder, "env" | "platformUrl">,
  folder: string,
  target: (url: string) => void,
): Promise<SoakStack> {
  const forgetLostSockets = surviveLostSockets();
  const port = freePort();
  const logFile = join(folder, "functions.log");
  const data = join(folder, "data");
  await Deno.mkdir(data, { recursive: true });
  let keeper = await startStackKeeper({ ...order, folder: data, port, logFile });
  target(keeper.kept.details.url);
  let sql = connectTo(keeper.kept);

  const note = async (): Promise<{ functionsPid: number | null; postgresPid: number }> =>
    JSON.parse(await Deno.readTextFile(join(data, "run.json")));
  const control = async (method: string, path: string) => {
    const response = await fetch(keeper.kept.controlUrl + path, { method });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return await response.json();
  };
  const killPid = (pid: number | null) => {
    if (pid === null) return null;
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return null;
      throw error;
    }
    return Date.now();
  };

  const failures: Failure[] = [];
  const restart = async () => {
    if (await hasEnded(keeper.process)) {
      if (!keeper.wasKilled) {
        const at = await keeper.endedAt;
        failures.push({ at, violation: `the local stack ended by itself at ${at}` });
      }
      await sql.end({ timeout: 1 });
      keeper = await startStackKeeper({ ...order, folder: data, port, logFile });
      target(keeper.kept.details.url);
      sql = connectTo(keeper.kept);
    }
    if (await sql`select 1`.then(() => false, () => true) && !await isRunning(await note())) {
      await control("POST", "/postgres/start");
    }
    await until("Postgres to answer", () => sql`select 1`.then(() => true, () => false), UP_MS);
  };
  const isHealthy = (ms: number) =>
    until("the functions to be healthy", async () => {
      const response = await fetch(`${keeper.kept.details.functionsUrl}/pricing-health`, {
        signal: AbortSignal.timeout(ms),
      }).catch(() => null);
      await response?.body?.cancel();
      return response?.ok;
    }, ms).then(() => true, () => false);

  return {
    get details() {
      return keeper.kept.details;
    },
    folder,
    logFile,
    get sql() {
      return sql;
    },
    async functionsMemory() {
      const pid = await control("GET", "/functions-pid").catch(() => null);
      const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
      const kilobytes = status.match(/^VmRSS:\s+(\d+)/m)?.[1];
      return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1024);
    },
    async kill(victim) {
      switch (victim) {
        case "functions":
          return killPid(await control("GET", "/functions-pid"));
        case "backend": {
          const rows = await sql<{ pid: number }[]>`
            select pid from pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_backend_pid()
              and application_name <> 'soak' order by random() limit 1`;
          return killPid(rows[0]?.pid ?? null);
        }
        case "postmaster":
          await control("POST", "/postgres/kill");
          return Date.now();
        case "supervisor": {
          const at = Date.now();
          keeper.wasKilled = true;
          keeper.process.kill("SIGKILL");
          await keeper.process.status;
          return at;
        }
      }
    },
    async heal() {
      for (let attempt = 1; attempt <= HEALS_MAX; attempt++) {
        await restart();
        if (await isHealthy(PATIENCE_MS)) return;
        if (await hasEnded(keeper.process)) continue;
        const at = Date.now();
        failures.push({
          at,
          violation: `the local stack did not recover, and was killed at ${at}`,
        });
        keeper.wasKilled = true;
        keeper.process.kill("SIGKILL");
        await keeper.process.status;
      }
      throw new Error(`The local stack is not healthy after ${HEALS_MAX} starts`);
    },
    failures: () => failures.splice(0),
    async stop() {
      await sql.end({ timeout: 1 });
      await keeper.process.stdin.close();
      await keeper.process.status;
      forgetLostSockets();
    },
  };
}

interface StackKeeper extends Keeper<KeptStack> {
  wasKilled: boolean;
  readonly endedAt: Promise<number>;
}

async function startStackKeeper(order: StackOrder): Promise<StackKeeper> {
  const keeper = await startKeeper<KeptStack>("stack_keeper.ts", JSON.stringify(order));
  return { ...keeper, wasKilled: false, endedAt: keeper.process.status.then(() => Date.now()) };
}

function connectTo(kept: KeptStack): Sql {
  // The superuser: no limit of connections keeps it out, and it can set one.
  return connect(withRole(kept.details.dbUrl, "supabase_admin"), {
    max: 6,
    connection: { application_name: "soak" },
    backoff: () => 0.2,
  });
}

async function hasEnded(process: Deno.ChildProcess): Promise<boolean> {
  return await Promise.race([
    process.status.then(() => true),
    new Promise<false>((resolve) => setTimeout(resolve, 0, false)),
  ]);
}

/** Postgres starts itself again when a backend dies; only a dead postmaster has to be started. */
async function isRunning({ postgresPid }: { postgresPid: number }): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${postgresPid}/status`).catch(() => "");
  return /^Name:\s+postgres/m.test(status) && !/^State:\s+Z/m.test(status);
}
