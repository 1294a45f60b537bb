/** Which migrations of this repo a project has, by what it has recorded or by what it answers. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import type { Facts } from "./facts.ts";
import type { Project } from "./project.ts";

export interface MigrationFile {
  readonly version: string;
  readonly file: string;
  readonly text: string;
}

const FOLDER = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));

/** This repo's, in the order in which they are applied. */
export async function readMigrationFiles(folder = FOLDER): Promise<MigrationFile[]> {
  const files: MigrationFile[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const version = /^(\d+)_.*\.sql$/.exec(name)?.[1];
    if (!isFile || version === undefined) continue;
    files.push({ version, file: name, text: await Deno.readTextFile(join(folder, name)) });
  }
  return files.sort((a, b) => a.version < b.version ? -1 : 1);
}

/**
 * The fingerprint of a migration's text, without what each tool keeps in its own way. The same is
 * in SQL: `billing.migration_facts`.
 */
export function fingerprint(text: string): string {
  const kept = text.replace(/--[^\n]*|[ \t\r\n;]/g, "");
  return createHash("md5").update(kept).digest("hex");
}

export interface MigrationState {
  /** Not applied, and nothing after them is. */
  readonly missing: readonly string[];
  /** Not applied, though a later one is. */
  readonly holes: readonly string[];
  /** Applied as another text than this repo has. */
  readonly changed: readonly string[];
  /** Versions that this repo does not have. */
  readonly unknown: readonly string[];
}

/** Compares what was recorded with the files. An app's own migrations, which are older, don't count. */
export function compareMigrations(
  files: readonly MigrationFile[],
  applied: NonNullable<Facts["migrations"]>,
): MigrationState {
  const recorded = new Map(applied.map(({ version, md5 }) => [version, md5]));
  const ours = files.map(({ version }) => version);
  const lastApplied = ours.findLastIndex((version) => recorded.has(version));
  const absent = (from: number, to: number) =>
    files.slice(from, to).filter(({ version }) => !recorded.has(version)).map(({ file }) => file);
  const newest = ours.at(-1) ?? "";
  return {
    missing: absent(lastApplied + 1, files.length),
    holes: lastApplied > 0 ? absent(0, lastApplied) : [],
    changed: files.filter(({ version, text }) => {
      const md5 = recorded.get(version);
      return md5 !== undefined && md5 !== EMPTY && md5 !== fingerprint(text);
    }).map(({ file }) => file),
    unknown: applied.map(({ version }) => version).filter((version) => version > newest),
  };
}

/** `supabase migration repair` records a version without its text. */
const EMPTY = fingerprint("");

/**
 * What can be asked of the Data API without knowing anything: tables, views, and functions without
 * arguments that only read. For each, the migration that makes it, in order.
 */
export function probesOf(
  files: readonly MigrationFile[],
): { readonly path: string; readonly file: string }[] {
  return files.flatMap(({ file, text }) => [
    ...[...text.matchAll(/^create (?:table|view) public\.(\w+)/gm)].map((match) => ({
      path: `/rest/v1/${match[1]}?limit=0`,
      file,
    })),
    ...[...text.matchAll(/^create function public\.(\w+)\(\)[^;$]*\bstable\b/gm)].map((match) => ({
      path: `/rest/v1/rpc/${match[1]}`,
      file,
    })),
  ]);
}

export interface ProbedMigrations {
  /** What was looked for and is not there, and all that comes after it. */
  readonly missing: readonly string[];
  /** Before them, but after the last of which something was seen: nothing shows them from outside. */
  readonly unseen: readonly string[];
}

/**
 * What is not applied, as far as the Data API shows; for a project that can't be asked for its facts.
 * @throws Unanswered
 */
export async function probeMissing(
  project: Pick<Project, "ask">,
  files: readonly MigrationFile[],
): Promise<ProbedMigrations> {
  const names = files.map(({ file }) => file);
  let lastSeen = -1;
  for (const { path, file } of probesOf(files)) {
    const { status } = await project.ask("secret", path);
    const at = names.indexOf(file);
    if (status === 404) {
      return { missing: names.slice(at), unseen: names.slice(lastSeen + 1, at) };
    }
    lastSeen = at;
  }
  // All that can be seen is there, so it is the facts themselves that are not.
  const at = files.findLastIndex(({ text }) => text.includes("function public.doctor_facts("));
  return { missing: names.slice(at), unseen: names.slice(lastSeen + 1, at) };
}

/** What the database has recorded, read directly; null where nothing is. */
export async function readRecorded(
  dbUrl: string,
): Promise<NonNullable<Facts["migrations"]> | null> {
  const sql = postgres(dbUrl, { max: 1, onnotice: () => {}, connect_timeout: 10 });
  try {
    const rows = await sql<{ version: string }[]>`
      select version from supabase_migrations.schema_migrations order by version`;
    return rows.map(({ version }) => ({ version, md5: EMPTY }));
  } catch {
    // No such table, or no way in: the Data API shows what it can.
    return null;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/**
 * The latest file that makes the thing of this name, such as `public.receipt(uuid,uuid)` or
 * `public.user_balances: balance_is_not_negative`; null where its name was made up by PostgreSQL.
 */
export function fileThatMakes(files: readonly MigrationFile[], name: string): string | null {
  const own = escaped(name.split(": ").at(-1)!.replace(/\(.*/, ""));
  const bare = own.replace(/^\w+\\\./, "");
  const makes = new RegExp(
    [
      `create (or replace )?(table|view|function) ${own}(?!\\w)`,
      `(create|constraint|add) [^\\n]*(?<!\\w)${bare}(?!\\w)`,
    ].find((pattern) => files.some(({ text }) => new RegExp(pattern).test(text))) ?? "$^",
  );
  return files.findLast(({ text }) => makes.test(text))?.file ?? null;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
