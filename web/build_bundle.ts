/** Runs Deno's bundler on the code for browsers, and tells what it wrote. */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this file: `web`. */
export const WEB = fileURLToPath(new URL(".", import.meta.url));

/** The sources do not bundle. The message is the bundler's, with file and line. */
export class BundleFailed extends Error {
  override readonly name = "BundleFailed";
}

export interface BundleOrder {
  /** Absolute, or relative to `web`. */
  readonly entries: readonly string[];
  readonly outDir: string;
}

/**
 * Bundles the entries and what they share, minified, split at each dynamic `import()`. Without source
 * maps: they name the folders of the machine, and change the names of the chunks with them.
 * @throws BundleFailed
 */
export async function bundle({ entries, outDir }: BundleOrder): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--config",
      join(WEB, "deno.json"),
      "--frozen",
      "--platform=browser",
      "--minify",
      "--code-splitting",
      "--outdir",
      outDir,
      ...entries.map((entry) => resolve(WEB, entry)),
    ],
    cwd: WEB,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  const said = new TextDecoder().decode(stderr).split("\nStack backtrace")[0]!
    .trim();
  if (!success) throw new BundleFailed(said);
  for (const file of await filesBelow(outDir)) {
    if (!file.endsWith(".js")) continue;
    const path = join(outDir, file);
    await Deno.writeTextFile(path, withTightStyles(await Deno.readTextFile(path)));
  }
}

/**
 * The elements' style sheets are template literals, which the bundler leaves as they are. They begin
 * with `:host`, hold no strings with blanks that matter, and no comments.
 */
export function withTightStyles(script: string): string {
  return script.replace(/`\n:host[^`]*`/g, (sheet) =>
    sheet
      .replace(/\s*\n\s*/g, "")
      .replace(/\s*([{};,>])\s*/g, "$1")
      .replace(/:\s+/g, ":")
      .replaceAll(";}", "}"));
}

/** The files of a folder and of those below it, relative and sorted. */
export async function filesBelow(
  folder: string,
  below = "",
): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(join(folder, below))) {
    const path = join(below, entry.name);
    if (entry.isDirectory) found.push(...await filesBelow(folder, path));
    else found.push(path);
  }
  return found.sort();
}
