/**
 * Finds the files of a published package in Deno's own npm cache, downloading it when missing. For
 * packages that are used as files, not as modules: native binaries and SQL archives.
 */

/** A place where npm packages lie: `<cache>/<registry>/<name>/<version>`. */
async function npmCacheFolder(): Promise<string> {
  const { stdout } = await deno(["info", "--json"]);
  const info: { npmCache: string } = JSON.parse(stdout);
  return info.npmCache;
}

/**
 * The folder of `name` at exactly `version`. Throws with what Deno printed when the registry does
 * not have it.
 *
 * The supabase package itself cannot be run through Deno where a registry lacks the binary of
 * another platform: Deno resolves every optional dependency. So callers name the one they need.
 */
export async function npmPackageFolder(name: string, version: string): Promise<string> {
  const cache = await npmCacheFolder();
  const find = () => findInCache(cache, `${name}/${version}`);
  const cached = find();
  if (cached !== null) return cached;

  // An empty folder: the repo's deno.json and lock file have no say in a test's tool.
  const empty = await Deno.makeTempDir({ prefix: "farebox-npm-" });
  try {
    await deno(["cache", `npm:${name}@${version}`], empty);
  } finally {
    await Deno.remove(empty, { recursive: true });
  }
  const downloaded = find();
  if (downloaded === null) throw new Error(`Cannot find ${name}@${version} in ${cache}`);
  return downloaded;
}

function findInCache(cache: string, tail: string): string | null {
  let registries: Deno.DirEntry[];
  try {
    registries = [...Deno.readDirSync(cache)];
  } catch {
    return null;
  }
  for (const registry of registries) {
    const folder = `${cache}/${registry.name}/${tail}`;
    try {
      // Deno unpacks beside it and renames, so a folder that is there is whole.
      if (Deno.statSync(folder).isDirectory) return folder;
    } catch {
      continue;
    }
  }
  return null;
}

async function deno(args: string[], cwd?: string): Promise<{ stdout: string }> {
  const output = await new Deno.Command(Deno.execPath(), {
    args,
    ...(cwd === undefined ? {} : { cwd }),
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!output.success) {
    const reason = new TextDecoder().decode(output.stderr);
    throw new Error(`Cannot run \`deno ${args.join(" ")}\`: ${reason}`);
  }
  return { stdout: new TextDecoder().decode(output.stdout) };
}
