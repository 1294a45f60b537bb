import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { BackupProblem } from "../../cli/backup/format.ts";
import { checkBackup } from "../../cli/backup/read_file.ts";
import { writeBackup } from "../../cli/backup/write_file.ts";
import { migrate, readMigrations } from "../../local/migrate.ts";
import { withDatabase } from "../support/database.ts";
import { runFarebox } from "../support/farebox.ts";
import { call, createUser, reserve, settle } from "../support/ledger_calls.ts";
import { installPgDump } from "../support/stand_in_pg_dump.ts";
import { assertSame, everythingOf, fillLedger, tablesOf } from "../support/whole_ledger.ts";

const folder = await Deno.makeTempDir({ prefix: "farebox-backups-" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));
let files = 0;
const newFile = () => `${folder}/${files++}.gz`;

const onDatabase = (url: string, ...args: string[]) => runFarebox({ SUPABASE_DB_URL: url }, args);

async function backUp(url: string): Promise<string> {
  const file = newFile();
  const { code, err } = await onDatabase(url, "backup", "--out", file, "--format", "portable");
  assertEquals(code, 0, err);
  return file;
}

async function unpacked(file: string): Promise<string> {
  const { body } = new Response(await Deno.readFile(file));
  return await new Response(body!.pipeThrough(new DecompressionStream("gzip"))).text();
}

async function packed(text: string): Promise<string> {
  const file = newFile();
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(file, stream);
  return file;
}

/** Gives the text another first line, and the checksum that fits: what another Farebox would write. */
function withHeader(text: string, change: Record<string, unknown>): string {
  const lines = text.split("\n").slice(0, -1);
  lines[0] = JSON.stringify({ ...JSON.parse(lines[0]!), ...change });
  const content = lines.slice(0, -1).map((line) => `${line}\n`).join("");
  const sha256 = createHash("sha256").update(content).digest("hex");
  const { farebox_end: end } = JSON.parse(lines.at(-1)!);
  return `${content}${JSON.stringify({ farebox_end: { ...end, sha256 } })}\n`;
}

Deno.test("a file that is no whole backup of this version is refused with a sentence, and nothing is done", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    await fillLedger(database);
    const good = await backUp(url);
    const before = await everythingOf(sql);
    const text = await unpacked(good);
    const bytes = await Deno.readFile(good);
    const cut = newFile();
    await Deno.writeFile(cut, bytes.slice(0, bytes.length / 2));
    const plain = newFile();
    await Deno.writeTextFile(plain, text);
    const bad: [file: string, sentence: RegExp][] = [
      [`${folder}/none`, /There is no file/],
      [folder, /Cannot read/],
      [plain, /cannot be unpacked: it is no backup/],
      [cut, /cut off or damaged/],
      [await packed(""), /is not a backup of Farebox/],
      [await packed("create table x ();\n"), /is not a backup of Farebox/],
      [await packed("null\n"), /is not a backup of Farebox/],
      [await packed(text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1)), /is cut off/],
      [await packed(text.replace("1234567.0000000001", "9234567.0000000001")), /was altered/],
      [await packed(text + "{}\n"), /goes on after its end/],
      [
        await packed(text.replace(/"rows":3/, '"rows":4')),
        /has 3 rows of .* and counts 4|checksum does not fit/,
      ],
      [await packed(withHeader(text, { format_version: 2 })), /has version 2 of the format/],
      [await packed(withHeader(text, { tables: 1 })), /first line of .* was altered/],
    ];
    for (const [file, sentence] of bad) {
      const error = await assertRejects(() => checkBackup(file), BackupProblem);
      assertMatch(error.message, sentence);
    }
    for (const args of [["backup", "check", cut], ["restore", cut, "--yes"]]) {
      const { code, out, err } = await onDatabase(url, ...args);
      assertEquals([code, out], [1, ""], args.join(" "));
      assertMatch(err, /^.*cut off or damaged.*nothing was done\.\n$/);
    }
    const newer = await packed(withHeader(text, { migration: "20991231000000" }));
    assertMatch((await onDatabase(url, "restore", newer, "--yes")).err, /is of a newer Farebox/);
    assertSame(await everythingOf(sql), before);
    assertEquals((await onDatabase(url, "backup", "check", good)).code, 0);
  }));

/** Applies the migrations up to one. */
async function migrateTo(url: string, last: string): Promise<void> {
  const source = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));
  const some = await Deno.makeTempDir({ prefix: "farebox-older-" });
  for (const { file, version } of await readMigrations(source)) {
    if (version <= last) await Deno.copyFile(`${source}/${file}`, `${some}/${file}`);
  }
  await migrate(url, some);
  await Deno.remove(some, { recursive: true });
}

/** The first Farebox that could make a backup. */
const FIRST = "20261122000053";

Deno.test("an older backup goes into an empty project by its own migrations, the newer ones afterwards", () =>
  withDatabase(async ({ sql, url }) => {
    await migrateTo(url, FIRST);
    const userId = await createUser(sql);
    await settle(sql, (await reserve(sql, { userId })).requestId, 9, 9);
    const file = await backUp(url);
    await withDatabase(async (other) => {
      const { code, err } = await onDatabase(other.url, "restore", file, "--yes");
      assertEquals(code, 0, err);
      assertEquals(
        Array.from(await other.sql`select t::text from public.usage_records t`),
        Array.from(await sql`select t::text from public.usage_records t`),
      );
      const applied = await other.sql`select version from supabase_migrations.schema_migrations`;
      assert(
        applied.length > (await sql`select from supabase_migrations.schema_migrations`).length,
      );
    }, { migrated: false });
    // A half-applied target gets the rest first.
    await withDatabase(async (other) => {
      await migrateTo(other.url, "20261122000016");
      const { code, err } = await onDatabase(other.url, "restore", file, "--yes");
      assertEquals(code, 0, err);
      assertEquals((await other.sql`select from public.usage_records`).length, 1);
    }, { migrated: false });
  }, { migrated: false }));

Deno.test("an older backup whose tables are others, and a target that lacks a table, say what to do", () =>
  withDatabase(async ({ sql, url }) => {
    const file = await backUp(url);
    const text = await unpacked(file);
    const { tables } = JSON.parse(text.slice(0, text.indexOf("\n")));
    tables[0].columns.pop();
    const older = await packed(withHeader(text, { migration: FIRST, tables }));
    const refused = await onDatabase(url, "restore", older, "--yes");
    assertEquals(refused.code, 1);
    assertMatch(refused.err, /is of an older Farebox .*public\.usage_records.*Remove Farebox from/);

    await sql`drop table public.balance_transactions cascade`;
    const damaged = await onDatabase(url, "restore", file, "--yes");
    assertEquals(damaged.code, 1);
    assertMatch(
      damaged.err,
      /The target is damaged: it has no public\.balance_transactions.*remove_/,
    );
  }));

Deno.test("an app's foreign key on a table of ours stops a restore: its rows are not ours to delete", () =>
  withDatabase(async ({ sql, url }) => {
    await sql.unsafe(`create table public.wallets (u uuid references public.user_balances)`);
    await sql`insert into public.wallets values (${await createUser(sql)})`;
    const { code, err } = await onDatabase(url, "restore", await backUp(url), "--yes");
    assertEquals(code, 1);
    assertMatch(err, /A table of yours refers to .*wallets.*Nothing was done/);
    assertEquals((await sql`select from public.wallets`).length, 1);
  }));

Deno.test("remove wants a backup of what is there now, and then leaves nothing", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    const [userId] = await fillLedger(database);
    const old = await backUp(url);
    await call(sql, "grant_credit", {
      p_user_id: userId!,
      p_amount: "0.0000000001",
      p_kind: "grant",
      p_key: "later",
      p_note: null,
    });
    const stale = await onDatabase(url, "remove", "--backup", old, "--yes");
    assertEquals(stale.code, 1);
    assertMatch(
      stale.err,
      /balance_transactions, public\.user_balances changed since.*Nothing was rem/,
    );
    assertEquals((await onDatabase(url, "remove", "--yes")).code, 2);

    const file = await backUp(url);
    const before = await everythingOf(sql);
    assertEquals((await onDatabase(url, "remove", "--backup", file)).code, 1);
    assertEquals((await onDatabase(url, "remove", "--backup", file, "--dry-run")).code, 0);
    assertSame(await everythingOf(sql), before);
    const removed = await onDatabase(url, "remove", "--backup", file, "--yes");
    assertEquals(removed.code, 0, removed.err);
    assertEquals(await tablesOf(sql), []);
    const again = await onDatabase(url, "remove", "--backup", file, "--yes");
    assertEquals(again.code, 1);
    assertMatch(again.err, /has no Farebox: there is nothing to remove/);
    const asked = await onDatabase(url, "remove", "--backup", file, "--dry-run");
    assertMatch(asked.err, /has no Farebox: there is nothing to remove/);
  }));

Deno.test("a left .partial is neither followed nor kept: a link is refused, a file goes, and the mode is the owner's", async () => {
  const header = {
    format: "farebox-backup",
    format_version: 1,
    content: "portable",
    migration: null,
    created_at: "2026-11-22T00:00:00Z",
    tables: [],
  } as const;
  const [linked, stale, victim] = [newFile(), newFile(), newFile()];
  await Deno.writeTextFile(victim, "mine");
  await Deno.symlink(victim, `${linked}.partial`);
  const write = (path: string) => writeBackup(path, { ...header, tables: [] });
  const error = await assertRejects(() => write(linked), BackupProblem);
  assertMatch(error.message, /is a link or a folder/);
  assertEquals(await Deno.readTextFile(victim), "mine");
  await Deno.writeTextFile(`${stale}.partial`, "old and readable by all", { mode: 0o644 });
  const writer = await write(stale);
  await writer.finish({ tables: {}, sequences: [], moved: false });
  assertEquals((await Deno.stat(stale)).mode! & 0o777, 0o600);
});

Deno.test("migrations that nobody recorded: the backup says how to record them, and restores", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    await fillLedger(database);
    await sql`delete from supabase_migrations.schema_migrations`;
    const before = await everythingOf(sql);
    const file = await backUp(url);
    const { out } = await onDatabase(url, "backup", "check", file);
    assertMatch(out, /not recorded[^]*supabase migration repair --status applied 20251018000001 /);
    const here = await onDatabase(url, "restore", file, "--yes");
    assertEquals(here.code, 0, here.err);
    assertSame(await everythingOf(sql), before);
    await withDatabase(async (other) => {
      const { code, err } = await onDatabase(other.url, "restore", file, "--yes");
      assertEquals(code, 0, err);
    }, { migrated: false });
  }));

Deno.test("what cannot be written or reached is a sentence, and leaves no file", () =>
  withDatabase(async ({ url }) => {
    const file = await backUp(url);
    const wrong = new URL(url);
    wrong.password = "wrong";
    const closed = new URL(url);
    closed.port = "1";
    const old = await installPgDump("16.4");
    const cases: [variables: Record<string, string>, args: string[], sentence: RegExp][] = [
      [{ SUPABASE_DB_URL: url }, ["backup", "--out", file], /exists: name another file/],
      [{ SUPABASE_DB_URL: url }, ["backup", "--out", `${folder}/no/x`], /folder does not exist/],
      [{ SUPABASE_DB_URL: wrong.href }, ["backup"], /user or the password is wrong/],
      [{ SUPABASE_DB_URL: closed.href }, ["restore", file, "--yes"], /nothing listens there/],
      [{ SUPABASE_DB_URL: "db.example" }, ["backup"], /not a connection string/],
      [
        { SUPABASE_DB_URL: url, PATH: old },
        ["backup", "--format", "pg_dump", "--out", newFile()],
        /pg_dump 16 is older than the server, which is PostgreSQL 17: install a newer/,
      ],
      [
        { SUPABASE_URL: "http://127.0.0.1:1", SUPABASE_SECRET_KEY: "sb_secret_x" },
        ["restore", file],
        /needs a connection to the database itself/,
      ],
    ];
    const before = [...Deno.readDirSync(folder)].length;
    for (const [variables, args, sentence] of cases) {
      const { code, err } = await runFarebox(variables, args);
      const isUsage = /connection string|connection to the database itself/.test(sentence.source);
      assertEquals(code, isUsage ? 2 : 1, args.join(" "));
      assertMatch(err, sentence);
      assertEquals(/wrong@|\n\s+at /.test(err), false, "neither a password nor a stack trace");
    }
    assertEquals([...Deno.readDirSync(folder)].length, before);
    const fallback = await runFarebox({ SUPABASE_DB_URL: url, PATH: old }, [
      "backup",
      "--json",
      "--out",
      newFile(),
    ]);
    assertEquals(JSON.parse(fallback.out).content, "portable", fallback.err);
    assertMatch(fallback.err, /older than the server.*writing the portable format/);
    await Deno.remove(old, { recursive: true });
  }));
