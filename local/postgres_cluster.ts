/**
 * The folder that holds the cluster itself, and what a killed run may have left in it.
 */
import { basename, dirname, join } from "node:path";
import type { PostgresAccount } from "./postgres_account.ts";

const STOP_TIMEOUT_MS = 20_000;

/**
 * `<dataDir>/cluster`, owned by the account. When the account cannot get there (a project below
 * /root, say) `cluster` is a link to a folder where it can.
 */
export async function clusterFolder(dataDir: string, account: PostgresAccount): Promise<string> {
  const link = join(dataDir, "cluster");
  try {
    return await Deno.realPath(link);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (await account.canEnter(dataDir)) {
    await Deno.mkdir(link, { mode: 0o700 });
    await account.own(link);
    return link;
  }
  // A dangling link would make symlink() fail.
  await Deno.remove(link).catch(() => {});
  const home = await account.reachableFolder(`data-${await shortHash(dataDir)}`);
  const cluster = join(home, "cluster");
  await Deno.remove(cluster, { recursive: true }).catch(() => {});
  await Deno.mkdir(cluster, { mode: 0o700 });
  await account.own(cluster);
  await Deno.symlink(cluster, link);
  return cluster;
}

/** Deletes the cluster, wherever it is. */
export async function removeCluster(dataDir: string): Promise<void> {
  const link = join(dataDir, "cluster");
  const info = await Deno.lstat(link).catch(() => null);
  if (info?.isSymlink) {
    const target = await Deno.realPath(link).catch(() => null);
    // Only ever a folder that clusterFolder() made.
    if (target !== null && basename(dirname(target)).startsWith("data-")) {
      await Deno.remove(dirname(target), { recursive: true });
    }
  }
  if (info !== null) await Deno.remove(link, { recursive: true });
}

/**
 * Removes a `postmaster.pid` whose process is gone or is somebody else (PostgreSQL refuses to start
 * when the number was given to another process), and stops a server that outlived its run.
 */
export async function clearStaleCluster(dataDir: string): Promise<void> {
  const cluster = await Deno.realPath(join(dataDir, "cluster")).catch(() => null);
  if (cluster === null) return;
  const pidFile = join(cluster, "postmaster.pid");
  const pid = await readPid(pidFile);
  if (pid === null) return;
  if (await isServerOf(cluster, pid)) {
    Deno.kill(pid, "SIGINT");
    await waitUntilGone(cluster, pid);
  } else {
    await Deno.remove(pidFile);
  }
}

async function readPid(pidFile: string): Promise<number | null> {
  try {
    const pid = Number((await Deno.readTextFile(pidFile)).split("\n")[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function isServerOf(cluster: string, pid: number): Promise<boolean> {
  if (Deno.build.os === "linux") {
    const folder = await Deno.readLink(`/proc/${pid}/cwd`).catch(() => null);
    return folder === cluster;
  }
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "command=", "-p", String(pid)] })
    .output();
  const command = new TextDecoder().decode(stdout);
  return command.includes("postgres") && command.includes(cluster);
}

async function waitUntilGone(cluster: string, pid: number): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (await isServerOf(cluster, pid)) {
    if (Date.now() > deadline) {
      throw new Error(
        `Cannot start PostgreSQL: process ${pid} of an earlier run does not stop. End it with ` +
          `'kill -9 ${pid}' and start again.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function shortHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).slice(0, 8).toHex();
}
