/** `farebox backup`: Farebox's rows in one file. */
import { startProgress } from "../progress.ts";
import { stdoutPaint, table } from "../table.ts";
import { type Sql, type Transaction } from "./database.ts";
import {
  BackupProblem,
  type Contents,
  type Facts,
  FORMAT,
  FORMAT_VERSION,
  type Header,
} from "./format.ts";
import { findPgDump, runPgDump } from "./pg_dump.ts";
import { type ExportSource, inSnapshot } from "./source.ts";
import { addContents, type BackupWriter, writeBackup } from "./write_file.ts";

export type BackupFormat = "auto" | "portable" | "pg_dump";
export type BackupOptions = { out?: string; format: BackupFormat; dryRun: boolean; json: boolean };

/** What was read while it was written. */
type Read = { contents: Record<string, Contents>; after: Facts; moved: boolean | null };

/** Through the Data API, which has no one moment: says whether the ledger moved meanwhile. */
export async function backupByApi(source: ExportSource, options: BackupOptions): Promise<number> {
  if (options.format === "pg_dump") {
    throw new BackupProblem(
      "pg_dump needs a connection to the database itself: give --db-url, or take --format portable.",
    );
  }
  return await backup(
    source,
    options,
    "portable",
    (facts, writer) => readPages(source, facts, writer),
  );
}

/** From the database, as of one moment. */
export async function backupByDatabase(
  sql: Sql,
  url: string,
  options: BackupOptions,
): Promise<number> {
  const content = await chooseContent(sql, options.format);
  return await inSnapshot(
    sql,
    (source, transaction) =>
      backup(
        source,
        options,
        content,
        (facts, writer) =>
          content === "portable"
            ? readPages(source, facts, writer)
            : readDump(source, transaction, url, facts, writer),
      ),
  );
}

async function chooseContent(sql: Sql, format: BackupFormat): Promise<Header["content"]> {
  if (format === "portable") return "portable";
  const [row] = await sql`select current_setting('server_version_num')::int as version`;
  const pgDump = await findPgDump(Number(row?.["version"]));
  if (pgDump.kind === "usable") return "pg_dump";
  if (format === "pg_dump") {
    throw new BackupProblem(`${pgDump.why}: install a newer one, or take --format portable.`);
  }
  console.error(`${pgDump.why}: writing the portable format, which restores just the same.`);
  return "portable";
}

async function backup(
  source: ExportSource,
  options: BackupOptions,
  content: Header["content"],
  read: (facts: Facts, writer: BackupWriter) => Promise<Read>,
): Promise<number> {
  const facts = await source.facts();
  if (options.dryRun) return tellPlan(facts, content, options.json);
  const createdAt = new Date(facts.at).toISOString();
  const extension = content === "portable" ? "jsonl.gz" : "sql.gz";
  const out = options.out ??
    `farebox-backup-${createdAt.slice(0, 19).replaceAll(":", "")}Z.${extension}`;
  const writer = await writeBackup(out, {
    format: FORMAT,
    format_version: FORMAT_VERSION,
    content,
    migration: facts.migration,
    created_at: createdAt,
    tables: facts.tables.map(({ name, columns }) => ({ name, columns })),
  });
  try {
    const { contents, after, moved } = await read(facts, writer);
    const bytes = await writer.finish({ tables: contents, sequences: after.sequences, moved });
    tellSummary(
      { file: out, bytes, content, migration: facts.migration, moved, contents },
      options,
    );
    return 0;
  } finally {
    await writer.discard();
  }
}

async function readPages(
  source: ExportSource,
  facts: Facts,
  writer: BackupWriter,
): Promise<Read> {
  const contents: Record<string, Contents> = {};
  const total = facts.tables.reduce((sum, { rows }) => sum + rows, 0);
  const progress = startProgress(total, "rows");
  try {
    let done = 0;
    for (const { name } of facts.tables) {
      await writer.table(name);
      let sum: Contents = { rows: 0, mark: "0" };
      let next: Awaited<ReturnType<ExportSource["page"]>>["next"] = null;
      do {
        const page = await source.page(name, next);
        if (page.count > 0) await writer.lines(page.rows);
        sum = addContents(sum, { rows: page.count, mark: page.mark });
        progress.at(done += page.count);
        next = page.next;
      } while (next !== null);
      contents[name] = sum;
    }
  } finally {
    progress.stop();
  }
  const moved = source.isSnapshot ? false : await hasMoved(source, contents);
  return { contents, after: await source.facts(), moved };
}

/** Whether a table holds something else than what was read of it. */
async function hasMoved(
  source: ExportSource,
  contents: Record<string, Contents>,
): Promise<boolean | null> {
  let isKnown = true;
  for (const [name, { mark }] of Object.entries(contents)) {
    const now = await source.mark(name);
    if (now === null) isKnown = false;
    else if (now.mark !== mark) return true;
  }
  return isKnown ? false : null;
}

async function readDump(
  source: ExportSource,
  transaction: Transaction,
  url: string,
  facts: Facts,
  writer: BackupWriter,
): Promise<Read> {
  const [row] = await transaction`select pg_export_snapshot() as snapshot`;
  const names = facts.tables.map(({ name }) => name);
  let last: Uint8Array = new Uint8Array();
  for await (const bytes of runPgDump(url, names, String(row?.["snapshot"]))) {
    await writer.piece(bytes);
    last = bytes;
  }
  if (last.at(-1) !== "\n".charCodeAt(0)) await writer.lines("");
  const contents: Record<string, Contents> = {};
  for (const name of names) {
    contents[name] = await source.mark(name) ?? { rows: 0, mark: "0" };
  }
  return { contents, after: facts, moved: false };
}

function tellPlan(facts: Facts, content: Header["content"], json: boolean): number {
  const tables = Object.fromEntries(facts.tables.map(({ name, rows }) => [name, rows]));
  if (json) console.log(JSON.stringify({ content, migration: facts.migration, tables }));
  else {
    console.log(`Would write (${content}, migration ${facts.migration ?? "not recorded"}):`);
    tellTables(tables);
  }
  return 0;
}

interface Summary {
  file: string;
  bytes: number;
  content: Header["content"];
  migration: string | null;
  moved: boolean | null;
  contents: Record<string, Contents>;
}

const MOVED = "The ledger moved while it was read, and the Data API has no one moment: a balance " +
  "that does not fit its entries is worked out again by `farebox restore`. For one moment, give " +
  "--db-url.";
const MOVED_UNKNOWN = "Whether the ledger moved while it was read could not be told: it is too " +
  "large to be read twice through the Data API. For one moment, give --db-url.";

function tellSummary({ contents, ...summary }: Summary, options: BackupOptions): void {
  const tables = Object.fromEntries(
    Object.entries(contents).map(([name, { rows }]) => [name, rows]),
  );
  if (options.json) {
    console.log(JSON.stringify({ ...summary, tables }));
    return;
  }
  tellTables(tables);
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
  console.log(`✓ ${summary.file}: ${rows} rows, ${summary.bytes} bytes.`);
  if (summary.moved !== false) console.log(summary.moved ? MOVED : MOVED_UNKNOWN);
}

/** A line each for the tables that have rows. */
export function tellTables(tables: Record<string, number>): void {
  const filled = Object.entries(tables).filter(([, rows]) => rows > 0);
  const columns = [{ title: "table" }, { title: "rows", align: "right" as const }];
  const rows = filled.map(([name, rows]) => [name, String(rows)]);
  for (const line of table(columns, rows, stdoutPaint())) console.log(line);
  const empty = Object.keys(tables).length - filled.length;
  if (empty > 0) console.log(`  and ${empty} empty ${empty === 1 ? "one" : "ones"}`);
}
