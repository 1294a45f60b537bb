/**
 * pgTAP in the embedded Postgres, and a runner for its files. pgTAP is plain SQL; the one npm
 * package that carries it is PGlite's, of which only that archive is used.
 */
import { dirname, join } from "node:path";
import postgres from "postgres";
import { PostgresAccount } from "../../local/postgres_account.ts";
import { findPostgresBinaries } from "../../local/postgres_binaries.ts";
import { splitStatements } from "../../local/sql_statements.ts";
import { connect } from "./connect.ts";
import { npmPackageFolder } from "./npm_package.ts";

const PACKAGE = "@electric-sql/pglite-pgtap";
const PACKAGE_VERSION = "0.0.15";

/** What `create extension pgtap` reads; the archive's other files are for upgrades. */
const EXTENSION_FILES = /\/extension\/(pgtap\.control|pgtap--\d+\.\d+\.\d+\.sql)$/;

/**
 * Makes pgTAP available to every embedded Postgres of this machine and creates it in the database
 * of `adminUrl`, in schema `extensions`, as `supabase db test` expects it.
 */
export async function createPgtap(adminUrl: string): Promise<void> {
  await installPgtap();
  const sql = connect(adminUrl, { max: 1 });
  try {
    await sql`create extension if not exists pgtap with schema extensions`;
  } finally {
    await sql.end();
  }
}

async function installPgtap(): Promise<void> {
  const { postgres } = await findPostgresBinaries(await PostgresAccount.find());
  const folder = join(dirname(dirname(postgres)), "share", "postgresql", "extension");
  const archive = await npmPackageFolder(PACKAGE, PACKAGE_VERSION);
  for (const { path, bytes } of await readTarGz(join(archive, "dist", "pgtap.tar.gz"))) {
    if (!EXTENSION_FILES.test(path)) continue;
    const target = join(folder, path.slice(path.lastIndexOf("/") + 1));
    // Renamed into place: another test may be reading it this moment.
    const partial = `${target}.${crypto.randomUUID()}`;
    await Deno.writeFile(partial, bytes, { mode: 0o644 });
    await Deno.rename(partial, target);
  }
}

/** The regular files of a ustar archive. */
async function readTarGz(path: string): Promise<{ path: string; bytes: Uint8Array }[]> {
  const file = await Deno.open(path);
  const stream = file.readable.pipeThrough(new DecompressionStream("gzip"));
  const tar = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).replace(/\0.*$/s, "");
  const files: { path: string; bytes: Uint8Array }[] = [];
  const BLOCK = 512;
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8);
    const start = at + BLOCK;
    if (["", "0"].includes(text(at + 156, 1))) {
      files.push({ path: text(at, 100), bytes: tar.slice(start, start + size) });
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** What one pgTAP file found. */
export interface TapResult {
  passed: number;
  /** Each with its diagnostics; also a plan that was not kept, and an error that ended the file. */
  failures: string[];
}

/** Runs a pgTAP file as role `postgres` in the database of `url`. */
export async function runPgtapFile(url: string, path: string): Promise<TapResult> {
  const sql = connect(url, { max: 1 });
  const lines: string[] = [];
  try {
    // One statement after the other on the one connection, so that an error has its line.
    for (const { text, line } of splitStatements(await Deno.readTextFile(path))) {
      try {
        const rows = await sql.unsafe(text).simple();
        lines.push(...rows.map((row) => String(Object.values(row)[0] ?? "")));
      } catch (error) {
        if (!(error instanceof postgres.PostgresError)) throw error;
        const failure = `${path}:${line}: ${error.message} (${error.code})`;
        return { ...readTap(lines), failures: [...readTap(lines).failures, failure] };
      }
    }
    return readTap(lines);
  } finally {
    await sql.end();
  }
}

function readTap(lines: string[]): TapResult {
  const result: TapResult = { passed: 0, failures: [] };
  let planned: number | null = null;
  let ran = 0;
  for (const line of lines) {
    const plan = line.match(/^1\.\.(\d+)$/);
    if (plan) planned = Number(plan[1]);
    if (/^(not )?ok\b/.test(line)) ran += 1;
    if (/^ok\b/.test(line)) result.passed += 1;
    if (/^not ok\b/.test(line)) result.failures.push(line);
  }
  if (planned === null) result.failures.push("The file printed no plan");
  else if (planned !== ran) result.failures.push(`Planned ${planned} tests but ran ${ran}`);
  return result;
}
