/**
 * The gate's repo rules: imports go one way, carry their extension and are pinned where they are
 * deployed; nothing is re-exported wholesale; files stay short. Exits 1 with one line a violation.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { listFiles, reachableFrom, readImports } from "./import_graph.ts";
import {
  FOLDERS,
  type ImportSite,
  pinViolations,
  textViolations,
  type Violation,
  violationsOf,
} from "./import_rules.ts";

/** Generated, or data rather than code: their length says nothing about their purpose. */
const ANY_LENGTH = ["shared/credit/database.types.ts", "_seed_model_pricing.sql"];

/** Checks the repo at `root`; the lists are sorted by file and line. */
export async function checkImports(
  root: string,
): Promise<{ violations: Violation[]; warnings: Violation[]; files: number }> {
  const modules = FOLDERS.flatMap((folder) => listFiles(root, folder, [".ts", ".tsx", ".js"]));
  const sql = listFiles(root, "supabase", [".sql"]);
  const violations: Violation[] = [];
  const warnings: Violation[] = [];

  for (const file of [...modules, ...sql]) {
    if (ANY_LENGTH.some((ending) => file.endsWith(ending))) continue;
    const found = textViolations(file, await Deno.readTextFile(resolve(root, file)));
    violations.push(...found.violations);
    warnings.push(...found.warnings);
  }

  const { sites, unreadable } = await readImports(root, modules);
  violations.push(...unreadable, ...sites.flatMap(violationsOf));
  violations.push(...await checkPins(root, modules, sites));

  const byPlace = (a: Violation, b: Violation) =>
    a.file.localeCompare(b.file) || a.line - b.line || a.rule.localeCompare(b.rule);
  return {
    violations: violations.sort(byPlace),
    warnings: warnings.sort(byPlace),
    files: modules.length + sql.length,
  };
}

async function checkPins(
  root: string,
  modules: string[],
  sites: ImportSite[],
): Promise<Violation[]> {
  const pins = await readPins(resolve(root, "deno.json"));
  const found: Violation[] = [];
  for (const entry of modules) {
    const name = entry.match(/^supabase\/functions\/([^/]+)\/index\.ts$/)?.[1];
    if (name === undefined) continue;
    const packages = reachableFrom(entry, sites)
      .filter((site) => !/^(\.|node:|file:)/.test(site.specifier));
    const own = await readPins(resolve(root, `supabase/functions/${name}/deno.json`));
    found.push(...pinViolations(name, packages, own, pins));
  }
  return found;
}

async function readPins(path: string): Promise<Record<string, string>> {
  const config: { imports?: Record<string, string> } = JSON.parse(await Deno.readTextFile(path));
  return config.imports ?? {};
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { violations, warnings, files } = await checkImports(root);
  for (const { file, line, rule, message } of warnings) {
    console.log(`${file}:${line}: warning: ${rule}: ${message}`);
  }
  for (const { file, line, rule, message } of violations) {
    console.error(`${file}:${line}: ${rule}: ${message}`);
  }
  console.log(`Checked ${files} files: ${violations.length} violations`);
  if (violations.length > 0) Deno.exit(1);
}
