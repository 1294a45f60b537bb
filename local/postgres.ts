/**
 * An embedded PostgreSQL 17 as a child process. It listens on 127.0.0.1 only, and its data stays in
 * `dataDir` between runs.
 *
 * As on hosted Supabase the superuser is `supabase_admin`, and `postgres` is a strong role below it.
 */
import { join } from "node:path";
import { freePort } from "./free_port.ts";
import { PostgresAccount } from "./postgres_account.ts";
import { findPostgresBinaries, type PostgresBinaries } from "./postgres_binaries.ts";
import { clearStaleCluster, clusterFolder, removeCluster } from "./postgres_cluster.ts";

export interface PostgresOptions {
  /** Folder for the cluster, its password and its log; made if missing. */
  readonly dataDir: string;
  /** Ports to listen on, of which the first that can be had is taken; free ones by default. */
  readonly ports?: readonly number[];
  /** Start from nothing, deleting what is there. */
  readonly fresh?: boolean;
  /** False skips fsync: still safe against kill -9, not against a power cut. For tests. */
  readonly durable?: boolean;
  /** Called with what is being done, one sentence at a time. */
  readonly progress?: (step: string) => void;
}

export interface Postgres {
  /** `postgres://postgres:…@127.0.0.1:<port>/postgres`: the role that migrations run as. */
  readonly url: string;
  /** The same database as superuser `supabase_admin`. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server is gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Disconnects everybody, writes everything, ends. Safe to call twice. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** Room for 300 concurrent callers with a connection each, and the stack's own. */
const CONNECTIONS_MAX = 400;
const START_TIMEOUT_MS = 60_000;
const READY = "database system is ready to accept connections";
/** Another process may take a port between our finding it and the server's listening on it. */
const PORTS_TRIED = 5;
const PORT_LOST = "could not create any TCP/IP sockets";

/** The server ended for want of its port. */
class PortLost extends Error {}

/**
 * Starts the cluster of `dataDir`, creating it the first time. A server that a killed run left
 * behind on this folder is stopped first: callers make sure that no living run owns the folder.
 * @throws Error with the end of the server's log when it does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const progress = options.progress ?? (() => {});
  const account = await PostgresAccount.find();
  progress("getting PostgreSQL 17");
  const binaries = await findPostgresBinaries(account);
  await Deno.mkdir(options.dataDir, { recursive: true });
  const dataDir = await Deno.realPath(options.dataDir);

  await clearStaleCluster(dataDir);
  if (options.fresh) await removeCluster(dataDir);
  const cluster = await clusterFolder(dataDir, account);
  if (await isMissing(join(cluster, "PG_VERSION"))) {
    progress("creating the database cluster");
    await createCluster(binaries, account, dataDir, cluster);
  }
  progress("starting PostgreSQL");
  const ports = options.ports ?? Array.from({ length: PORTS_TRIED }, () => freePort());
  for (const [i, port] of ports.entries()) {
    try {
      return await run(binaries, account, dataDir, cluster, port, options.durable ?? true);
    } catch (error) {
      if (!(error instanceof PortLost) || i === ports.length - 1) throw error;
    }
  }
  throw new Error("Cannot start PostgreSQL: there is no port to listen on.");
}

async function createCluster(
  binaries: PostgresBinaries,
  account: PostgresAccount,
  dataDir: string,
  cluster: string,
): Promise<void> {
  const password = crypto.randomUUID().replaceAll("-", "");
  await Deno.writeTextFile(join(dataDir, "password"), password, { mode: 0o600 });
  // initdb reads the password from a file and runs as another account: one only it can read.
  const passwordFile = join(cluster, "..", `password-${crypto.randomUUID()}`);
  await Deno.writeTextFile(passwordFile, password, { mode: 0o600 });
  await account.own(passwordFile);
  try {
    const { success, stderr } = await new Deno.Command(binaries.initdb, {
      args: [
        `--pgdata=${cluster}`,
        `--pwfile=${passwordFile}`,
        "--username=supabase_admin",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // Sorts by code point, yet knows upper and lower case beyond ASCII.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-sync",
        "--no-instructions",
      ],
      cwd: cluster,
      stdout: "null",
      env: { LC_ALL: "C" },
      ...account.runAs,
    }).output();
    if (!success) {
      throw new Error(`Cannot create the database cluster: ${new TextDecoder().decode(stderr)}`);
    }
    await createPostgresRole(binaries, account, cluster, password);
  } catch (error) {
    // Half a cluster would look like a whole one next time.
    await removeCluster(dataDir);
    throw error;
  } finally {
    await Deno.remove(passwordFile);
  }
}

/** In single-user mode, so that both connection strings work from the first moment on. */
async function createPostgresRole(
  binaries: PostgresBinaries,
  account: PostgresAccount,
  cluster: string,
  password: string,
): Promise<void> {
  const statements = [
    `create role postgres login createrole createdb replication bypassrls password '${password}'`,
    "alter database postgres owner to postgres",
  ];
  const child = new Deno.Command(binaries.postgres, {
    args: ["--single", "-D", cluster, "-c", "exit_on_error=true", "postgres"],
    cwd: cluster,
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
    ...account.runAs,
  }).spawn();
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(statements.join("\n") + "\n"));
  await stdin.close();
  const { success, stderr } = await child.output();
  if (!success) throw new Error(`Cannot create role postgres: ${new TextDecoder().decode(stderr)}`);
}

async function run(
  binaries: PostgresBinaries,
  account: PostgresAccount,
  dataDir: string,
  cluster: string,
  port: number,
  isDurable: boolean,
): Promise<Postgres> {
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    max_connections: String(CONNECTIONS_MAX),
    timezone: "UTC",
    log_timezone: "UTC",
    // Commits still reach the operating system before they are told: kill -9 loses none of them.
    ...(isDurable ? {} : { fsync: "off" }),
  };
  const child = new Deno.Command(binaries.postgres, {
    args: ["-D", cluster, ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])],
    cwd: cluster,
    // Its own process group: Ctrl-C must reach it through us, after the functions are drained.
    detached: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { LC_ALL: "C" },
    ...account.runAs,
  }).spawn();
  const exited = child.status.then(() => {});
  await waitUntilReady(child, join(dataDir, "postgres.log"));

  const password = await Deno.readTextFile(join(dataDir, "password"));
  const urlOf = (user: string) => `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It ended before us.
    }
    await exited;
  };
  return {
    url: urlOf("postgres"),
    adminUrl: urlOf("supabase_admin"),
    port,
    pid: child.pid,
    exited,
    // SIGINT is PostgreSQL's fast shutdown: it rolls open transactions back and waits for nobody.
    stop: () => end("SIGINT"),
    kill: () => end("SIGKILL"),
  };
}

/** Copies the server's messages to its log for as long as it runs; resolves once it is ready. */
async function waitUntilReady(child: Deno.ChildProcess, logPath: string): Promise<void> {
  const log = await Deno.open(logPath, { create: true, append: true });
  const ready = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    ready.reject(new Error(`Cannot start PostgreSQL: not ready in ${START_TIMEOUT_MS} ms.`));
    child.kill("SIGKILL");
  }, START_TIMEOUT_MS);
  const copy = async () => {
    const decoder = new TextDecoder();
    let start = "";
    let isReady = false;
    for await (const chunk of child.stderr) {
      await log.write(chunk);
      if (isReady) continue;
      start += decoder.decode(chunk, { stream: true });
      isReady = start.includes(READY);
      if (isReady) ready.resolve();
    }
    log.close();
    const message = `Cannot start PostgreSQL. Its log (${logPath}) ends:\n${start.trim()}`;
    ready.reject(start.includes(PORT_LOST) ? new PortLost(message) : new Error(message));
  };
  copy().catch(ready.reject);
  try {
    await ready.promise;
  } finally {
    clearTimeout(timer);
  }
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}
