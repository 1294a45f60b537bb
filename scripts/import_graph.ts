/** Reads the repo's imports with `deno info`, so that no second parser of TypeScript is needed. */
import { relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ImportSite, Violation } from "./import_rules.ts";

interface InfoSpan {
  start: { line: number };
}
interface InfoDependency {
  specifier: string;
  code?: { specifier?: string; error?: string; span: InfoSpan };
  type?: { specifier?: string; error?: string; span: InfoSpan };
}
interface InfoModule {
  specifier: string;
  error?: string;
  dependencies?: InfoDependency[];
}

/** What is built, or installed by a package manager: not ours to check. */
const NOT_SOURCES = ["dist", "node_modules"];

/** The files with one of `extensions` below `folder` (relative to `root`), sorted. */
export function listFiles(root: string, folder: string, extensions: string[]): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    for (const entry of Deno.readDirSync(resolve(root, path))) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory && !NOT_SOURCES.includes(entry.name)) visit(child);
      else if (extensions.some((extension) => entry.name.endsWith(extension))) found.push(child);
    }
  };
  try {
    visit(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

/**
 * Every import of `files` (relative to `root`), type-only and dynamic ones with a literal
 * specifier included, and the modules that could not be read.
 */
export async function readImports(
  root: string,
  files: string[],
): Promise<{ sites: ImportSite[]; unreadable: Violation[] }> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-imports-" });
  try {
    const entry = `${folder}/entry.ts`;
    const imports = files.map((file) => `import "${pathToFileURL(resolve(root, file)).href}";\n`);
    await Deno.writeTextFile(entry, imports.join(""));
    const config = resolve(root, "deno.json");
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--no-lock", "--config", config, entry],
      cwd: root,
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (!output.success) throw new Error(new TextDecoder().decode(output.stderr));
    const info: { modules: InfoModule[] } = JSON.parse(new TextDecoder().decode(output.stdout));
    return collect(root, info.modules, pathToFileURL(entry).href);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function collect(root: string, modules: InfoModule[], entry: string) {
  const sites: ImportSite[] = [];
  const unreadable: Violation[] = [];
  for (const module of modules) {
    const file = pathInRepo(root, module.specifier);
    if (file === null || module.specifier === entry) continue;
    if (module.error) {
      unreadable.push({ file, line: 1, rule: "readable", message: module.error });
    }
    for (const dependency of module.dependencies ?? []) {
      const resolved = dependency.code ?? dependency.type;
      sites.push({
        file,
        line: (resolved?.span.start.line ?? 0) + 1,
        specifier: dependency.specifier,
        target: resolved?.specifier ? pathInRepo(root, resolved.specifier) : null,
      });
    }
  }
  return { sites, unreadable };
}

/** The path below `root` that a `file:` specifier means, or null for anything outside. */
function pathInRepo(root: string, specifier: string): string | null {
  if (!specifier.startsWith("file:")) return null;
  const path = relative(root, fileURLToPath(specifier)).replaceAll("\\", "/");
  return path.startsWith("../") ? null : path;
}

/** The imports that are reached from `entry`, following `sites` inside the repo. */
export function reachableFrom(entry: string, sites: ImportSite[]): ImportSite[] {
  const byFile = Map.groupBy(sites, (site) => site.file);
  const seen = new Set([entry]);
  const queue = [entry];
  const reached: ImportSite[] = [];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    for (const site of byFile.get(file) ?? []) {
      reached.push(site);
      if (site.target !== null && !seen.has(site.target)) {
        seen.add(site.target);
        queue.push(site.target);
      }
    }
  }
  return reached;
}
