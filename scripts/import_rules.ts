/**
 * Which room may import which, as data and one pure function. ARCHITECTURE.md tells the reasons:
 * function → shared/{llm,credit,edge} → shared/pricing, never upward, never function to function.
 */

/** One import statement: where it stands and what it asks for. Paths are relative to the repo. */
export interface ImportSite {
  file: string;
  line: number;
  specifier: string;
  /** The file in the repo that the specifier means; null for a package or a missing file. */
  target: string | null;
}

/** A broken rule, with the place to go to. */
export interface Violation {
  file: string;
  line: number;
  rule: string;
  message: string;
}

const EVERYTHING_SHARED = ["shared/pricing", "shared/llm", "shared/credit", "shared/edge"];
const BELOW_THE_TOOLS = [...EVERYTHING_SHARED, "supabase/functions"];

/** Every room of the house and what it may import besides itself. Order: longest path first. */
const MAY_IMPORT: Record<string, string[]> = {
  "supabase/functions": EVERYTHING_SHARED,
  "shared/pricing": [],
  "shared/llm": ["shared/pricing"],
  // The ledger answers with the refusals of shared/edge; never the other way round.
  "shared/credit": ["shared/pricing", "shared/edge"],
  "shared/edge": ["shared/pricing"],
  // In a browser nothing of the server's can be: it knows the functions by their answers.
  "web/client": [],
  "web/elements": ["web/client"],
  "web/page": ["web/client", "web/elements"],
  // What builds them: it takes the page's settings as the page has them.
  "web": ["web/page"],
  "local": [...BELOW_THE_TOOLS, "web"],
  "cli": [...BELOW_THE_TOOLS, "local"],
  "scripts": [...BELOW_THE_TOOLS, "local", "cli", "web", "tests/support"],
  "bench": [...BELOW_THE_TOOLS, "local", "cli", "web", "tests/support"],
  "tests": [...BELOW_THE_TOOLS, "local", "cli", "scripts", "bench", "web"],
};

const ROOMS: readonly string[] = Object.keys(MAY_IMPORT);

/** The folders that the gate reads: the rooms that are in no other. */
export const FOLDERS: readonly string[] = ROOMS.filter((room) =>
  !ROOMS.some((other) => room.startsWith(`${other}/`))
);

const EXTENSION_REQUIRED = /\.(tsx?|js|mjs|json)$/;

/** Rooms that are uploaded to Supabase: their packages are pinned in each function's deno.json. */
function isDeployed(file: string): boolean {
  return file.startsWith("shared/") || file.startsWith("supabase/functions/");
}

function roomOf(file: string): string | undefined {
  return ROOMS.find((room) => file.startsWith(`${room}/`));
}

function functionOf(file: string): string | undefined {
  return file.match(/^supabase\/functions\/([^/]+)\//)?.[1];
}

/** The rules that `site` breaks; empty when it is allowed. */
export function violationsOf(site: ImportSite): Violation[] {
  const found: Violation[] = [];
  const report = (rule: string, message: string) =>
    found.push({ file: site.file, line: site.line, rule, message });

  const isRelative = site.specifier.startsWith("./") || site.specifier.startsWith("../");
  if (isRelative && !EXTENSION_REQUIRED.test(site.specifier)) {
    report("extension", `Cannot import "${site.specifier}": write its file extension`);
  }
  if (isDeployed(site.file) && /^(npm|jsr|https?):/.test(site.specifier)) {
    report("pins", `Cannot import "${site.specifier}" here: name it in deno.json and import that`);
  }
  if (site.target === null) return found;

  const from = roomOf(site.file);
  const to = roomOf(site.target);
  if (from === undefined) return found;
  if (to === undefined) {
    if (isDeployed(site.file) || !site.target.endsWith(".json")) {
      report("direction", `Cannot import ${site.target} from ${from}: it is in no room`);
    }
  } else if (from === to) {
    const owner = functionOf(site.file);
    const other = functionOf(site.target);
    if (owner !== other) {
      report("direction", `Cannot import function ${other} from function ${owner}`);
    }
  } else if (!MAY_IMPORT[from]?.some((room) => site.target?.startsWith(`${room}/`))) {
    report("direction", `Cannot import ${site.target} from ${from}: imports go one way`);
  }
  return found;
}

/**
 * Checks that the packages a function reaches are pinned in its own deno.json (the only one that
 * is uploaded) exactly as in the root's (the one that the tests run with).
 *
 * `reached` are the bare specifiers that the function and the shared code below it import.
 */
export function pinViolations(
  functionName: string,
  reached: Iterable<ImportSite>,
  own: Record<string, string>,
  root: Record<string, string>,
): Violation[] {
  const file = `supabase/functions/${functionName}/deno.json`;
  const found = new Map<string, Violation>();
  for (const { specifier, file: importer } of reached) {
    const pin = own[specifier];
    const message = pin === undefined
      ? `Cannot resolve "${specifier}" of ${importer} once uploaded: pin it here`
      : pin !== root[specifier]
      ? `Cannot pin "${specifier}" to ${pin}: the tests run with ${root[specifier]}`
      : undefined;
    if (message) found.set(specifier, { file, line: 1, rule: "pins", message });
  }
  return [...found.values()];
}

const LINES_WARN = 250;
const LINES_FAIL = 400;

/** Long files, and `export *`, which hides where a name comes from. */
export function textViolations(
  file: string,
  text: string,
): { violations: Violation[]; warnings: Violation[] } {
  const lines = text.split("\n");
  const violations: Violation[] = [];
  const warnings: Violation[] = [];
  const count = text.endsWith("\n") ? lines.length - 1 : lines.length;
  if (count > LINES_WARN) {
    const message = `Has ${count} lines, over ${LINES_WARN}: is it still one purpose?`;
    (count > LINES_FAIL ? violations : warnings).push({
      file,
      line: count,
      rule: "length",
      message,
    });
  }
  lines.forEach((line, index) => {
    if (/^\s*export\s*\*(?!\s*as\b)/.test(line)) {
      const message = "Cannot `export *`: name what is exported";
      violations.push({ file, line: index + 1, rule: "export", message });
    }
  });
  return { violations, warnings };
}
