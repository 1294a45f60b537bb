/**
 * DEPLOYMENT.md, executed as it stands: from an empty project to the first metered chat, watching,
 * backing up and rolling back, with the official CLI, a shell and the deployed functions.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { buildPage } from "../../web/build_page.ts";
import { connect } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { startRehearsalProject } from "../support/rehearsal_project.ts";
import { CLI_MISSING } from "../support/supabase_cli.ts";
import { missing, readSteps, type Step } from "./document_steps.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STEPS = readSteps(await Deno.readTextFile(`${ROOT}/DEPLOYMENT.md`));
const needs = [CLI_MISSING, ...["bash", "curl"].map((name) => has(name) ? null : `no ${name} here`)]
  .filter((need) => need !== null);

Deno.test({
  name: "every step of DEPLOYMENT.md that can be executed does what the document says" +
    needs.map((need) => ` [${need}]`).join(""),
  ignore: needs.length > 0,
  fn: () =>
    withDatabase(async (database) => {
      const folder = await Deno.makeTempDir({ prefix: "farebox-document-" });
      await buildPage({ outDir: `${folder}/page`, settings: null });
      const project = await startRehearsalProject(database, `${folder}/page`);
      try {
        for (const step of STEPS.filter(({ isByHand }) => !isByHand)) {
          const place = `DEPLOYMENT.md:${step.line} (${step.heading})`;
          const { success, output } = step.kind === "sh"
            ? await runShell(step, project.env, folder)
            : { success: true, output: await runSql(step, database.url) };
          const details = `${output}\n${success ? "" : project.log.slice(-20).join("\n")}`;
          assert(success, `${place} failed:\n${details}`);
          assertEquals(missing(step.see, output), null, `${place} did not show it:\n${details}`);
          // A hosted project does so by itself.
          await database.sql`notify pgrst`;
        }
      } finally {
        await project.close();
        await Deno.remove(folder, { recursive: true });
      }
    }, { migrated: false }),
});

Deno.test("most steps of DEPLOYMENT.md are executed", () => {
  const executed = STEPS.filter(({ isByHand }) => !isByHand);
  assert(executed.length >= 20, `${executed.length} of ${STEPS.length} are executed`);
  assert(executed.some(({ see }) => see.length > 0));
});

Deno.test("what a document says to see is looked for in order, and … stands for anything", () => {
  assertEquals(missing(["a … c", "d"], "a b c\nd"), null);
  assertEquals(missing(["d", "a … c"], "a b c\nd"), "a … c");
  assertEquals(missing(["a.c"], "abc"), "a.c");
});

/** Variables that one step exports are there in the next, as in one terminal. */
async function runShell(
  { code }: Step,
  env: Readonly<Record<string, string>>,
  folder: string,
): Promise<{ success: boolean; output: string }> {
  const state = `${folder}/exports`;
  const script = [
    "set -eu",
    "exec 2>&1",
    `if [ -e "${state}" ]; then source "${state}"; fi`,
    code,
    `export -p > "${state}"`,
  ].join("\n");
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script],
    cwd: ROOT,
    env: { ...env, BACKUPS: folder },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, output: text(stdout) + text(stderr) };
}

/** What psql would print, unadorned: one line a row, of every statement. */
async function runSql({ code }: Step, url: string): Promise<string> {
  const sql = connect(url, { max: 1 });
  try {
    const answered = await sql.unsafe(code).simple();
    const sets = (Array.isArray(answered[0]) ? answered : [answered]) as Record<
      string,
      unknown
    >[][];
    return sets.flatMap((rows) => rows.map((row) => Object.values(row).map(show).join(" | ")))
      .join("\n");
  } finally {
    await sql.end();
  }
}

function show(value: unknown): string {
  return typeof value === "object" && value !== null && !(value instanceof Date)
    ? JSON.stringify(value)
    : String(value);
}

function has(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}
