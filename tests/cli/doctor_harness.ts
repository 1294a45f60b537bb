/** A stack that can be broken, and the doctor's lines about it. */
import { join } from "node:path";
import { CHECKS } from "../../cli/doctor/checks.ts";
import { examine, type Line, selectChecks } from "../../cli/doctor/examine.ts";
import type { DoctorOptions, Examination } from "../../cli/doctor/finding.ts";
import { readMigrationFiles } from "../../cli/doctor/migrations.ts";
import { openProject } from "../../cli/doctor/project.ts";
import { lineText } from "../../cli/doctor/report.ts";
import { readTarget, type Target } from "../../cli/target.ts";
import { withRole } from "../../local/database.ts";
import { connect, type Sql } from "../support/connect.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { type BreakingProxy, type Fault, startBreakingProxy } from "./breaking_proxy.ts";

export interface Keys {
  readonly secretKey?: string;
  readonly publishableKey?: string;
}

export interface Break {
  /** The line that must be ✗. */
  readonly line: string;
  /** What is done to the stack, as a fact. */
  readonly what: string;
  /** SQL as role `postgres`, and what undoes it. */
  readonly sql?: string;
  readonly undo?: string;
  /** The same as the owner of schema auth; undone first. */
  readonly authSql?: string;
  readonly authUndo?: string;
  readonly fault?: (clinic: Clinic) => Fault;
  readonly keys?: (clinic: Clinic) => Keys;
}

export interface Clinic {
  readonly stack: TestStack;
  readonly proxy: BreakingProxy;
  /** As the owner of schema auth. */
  readonly auth: Sql;
  /** Folder by which `--data` finds the stack, through the proxy. */
  readonly folder: string;
  /** The lines of all checks, or of these and what they need. */
  examine(order?: { only?: string[]; keys?: Keys; options?: Partial<DoctorOptions> }): Promise<
    Line[]
  >;
  stop(): Promise<void>;
}

/** A few seconds. The caller must `stop()` it. */
export async function openClinic(): Promise<Clinic> {
  // Every examination is a guest of the same address.
  const stack = await startTestStack({ env: { FREE_GUEST_EXCHANGES: "1000" } });
  const proxy = startBreakingProxy(stack.url);
  const auth = connect(withRole(stack.details.dbUrl, "supabase_auth_admin"), { max: 1 });
  const folder = await Deno.makeTempDir({ prefix: "farebox-doctor-" });
  const secrets = JSON.parse(await Deno.readTextFile(join(stack.folder, "secrets.json")));
  const run = { url: proxy.url, dbUrl: stack.details.dbUrl };
  await Deno.writeTextFile(join(folder, "run.json"), JSON.stringify(run));
  await writeKeys({});

  return {
    stack,
    proxy,
    auth,
    folder,
    async examine({ only = [], keys = {}, options = {} } = {}) {
      await writeKeys(keys);
      const target = await readTarget({ data: folder, json: true });
      const lines = await linesOf(target, only, { ...DEFAULTS, ...options });
      await writeKeys({});
      return lines;
    },
    async stop() {
      await auth.end({ timeout: 1 });
      await proxy.stop();
      await stack.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };

  async function writeKeys(keys: Keys): Promise<void> {
    await Deno.writeTextFile(join(folder, "secrets.json"), JSON.stringify({ ...secrets, ...keys }));
  }

  async function linesOf(
    target: Target,
    only: readonly string[],
    options: DoctorOptions,
  ): Promise<Line[]> {
    const examination: Examination = {
      target,
      options: { ...options, hookSecret: options.hookSecret ?? stack.hookSecret },
      project: openProject(target),
      say: () => {},
      known: {},
    };
    return await Array.fromAsync(examine(selectChecks(CHECKS, only), examination));
  }
}

const DEFAULTS: DoctorOptions = { skipChat: false, model: null, page: null, hookSecret: null };

/** Ids of the lines in this state. */
export function inState(lines: readonly Line[], state: Line["finding"]["state"]): string[] {
  return lines.filter(({ finding }) => finding.state === state).map(({ check }) => check.id);
}

/** The line of this check. */
export function lineOf(lines: readonly Line[], id: string): Line {
  const line = lines.find(({ check }) => check.id === id);
  if (line === undefined) throw new Error(`There is no line ${id}`);
  return line;
}

/** What the ✗ lines say, for whoever reads a test's failure. */
export function failuresOf(lines: readonly Line[]): string {
  return lines.filter(({ finding }) => finding.state === "failed")
    .map((line) => lineText(line, (_, text) => text)).join("\n");
}

/** The text of a migration from where the pattern is, to run it again. */
export async function migrationText(version: string, from: RegExp): Promise<string> {
  const files = await readMigrationFiles();
  const { text } = files.find((file) => file.version === version)!;
  return text.slice(text.search(from));
}
