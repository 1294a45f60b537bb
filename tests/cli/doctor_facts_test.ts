/** What the doctor expects of a catalogue, and how it tells which migrations a project has. */
import { assert, assertEquals } from "@std/assert";
import { EXPECTED } from "../../cli/doctor/facts.ts";
import {
  compareMigrations,
  fileThatMakes,
  fingerprint,
  type MigrationFile,
  probeMissing,
  probesOf,
  readMigrationFiles,
} from "../../cli/doctor/migrations.ts";
import { expectedFacts, FACTS_FILE } from "../../scripts/expected_facts.ts";
import { withDatabase } from "../support/database.ts";
import { CLI_MISSING, remoteDatabase, runSupabaseCli } from "../support/supabase_cli.ts";

Deno.test("what the doctor expects is what the migrations make (else run `deno task types`)", async () => {
  await withDatabase(async ({ url }) => {
    assertEquals(await expectedFacts(url), await Deno.readTextFile(FACTS_FILE));
  });
});

Deno.test("it expects the guide's three tables, with row security, and its 23 models", () => {
  for (const name of ["model_pricing", "usage_records", "user_balances"]) {
    const relation = EXPECTED.relations[`public.${name}`];
    assert(relation?.is_table && relation.row_security, name);
    assertEquals(relation?.privileges.anon, name === "model_pricing" ? ["select"] : []);
  }
  assertEquals(EXPECTED.models.length, 23);
  assertEquals(Object.values(EXPECTED.functions).filter((f) => f.execute.includes("anon")), []);
});

Deno.test({
  name: "what the official CLI applied has the fingerprints of this repo's files",
  ignore: CLI_MISSING !== null,
  fn: pushedByTheOfficialCli,
});

async function pushedByTheOfficialCli() {
  await withDatabase(async ({ sql, url }) => {
    await runSupabaseCli(["db", "push", remoteDatabase(url), "--yes"], { workdir: Deno.cwd() });
    const [row] = await sql`select billing.migration_facts() as applied`;
    const state = compareMigrations(await readMigrationFiles(), row?.["applied"]);
    assertEquals(state, { missing: [], holes: [], changed: [], unknown: [] });
  }, { migrated: false });
}

const file = (version: string): MigrationFile => ({
  version,
  file: `${version}_idea.sql`,
  text: `-- why\ncreate table t${version} (); -- more\n`,
});
const FILES = ["1", "2", "3"].map(file);
const applied = (...versions: string[]) =>
  versions.map((version) => ({ version, md5: fingerprint(file(version).text) }));

Deno.test("migrations that are missing, left out, changed or newer are told apart", () => {
  const none = { missing: [], holes: [], changed: [], unknown: [] };
  const names = (...versions: string[]) => versions.map((version) => `${version}_idea.sql`);
  const compare = (list: ReturnType<typeof applied>) => compareMigrations(FILES, list);
  assertEquals(compare(applied("1", "2", "3")), none);
  assertEquals(compare([]), { ...none, missing: names("1", "2", "3") });
  assertEquals(compare(applied("1")), { ...none, missing: names("2", "3") });
  assertEquals(compare(applied("1", "3")), { ...none, holes: names("2") });
  assertEquals(compare(applied("0", "1", "2", "3", "4")), { ...none, unknown: ["4"] });
  const other = { version: "2", md5: fingerprint("create table other ();") };
  assertEquals(compare([...applied("1", "3"), other]), { ...none, changed: names("2") });
  // `supabase migration repair` keeps no text to compare.
  const repaired = { version: "2", md5: fingerprint("") };
  assertEquals(compare([...applied("1", "3"), repaired]), none);
});

Deno.test("comments, space and semicolons are not in a fingerprint, and everything else is", () => {
  assertEquals(fingerprint("-- a\nselect 1;\n\n"), fingerprint("select 1"));
  assert(fingerprint("select 1") !== fingerprint("select 2"));
});

Deno.test("an old project is probed by what each migration shows of itself", async () => {
  const probes = probesOf(await readMigrationFiles());
  const [first] = probes;
  assertEquals(first, {
    path: "/rest/v1/model_pricing?limit=0",
    file: "20251018000001_create_pricing_tables.sql",
  });
  const paths = probes.map(({ path }) => path);
  assert(paths.includes("/rest/v1/rpc/health_check"));
  assertEquals(paths.filter((path) => /rpc\/(expire|claim)/.test(path)), [], "those that write");
});

Deno.test("an old project's missing migrations are those that do not show, and perhaps some before", async () => {
  const sql = (name: string) => `create table public.${name} ();`;
  const files = [sql("a"), "select 1;", sql("b"), sql("c")]
    .map((text, i) => ({ version: `${i}`, file: `${i}_idea.sql`, text }));
  const ask = (_: unknown, path: string) =>
    Promise.resolve({
      status: path.includes("/a?") ? 200 : 404,
      headers: new Headers(),
      text: "",
      json: undefined,
    });
  assertEquals(await probeMissing({ ask }, files), {
    missing: ["2_idea.sql", "3_idea.sql"],
    unseen: ["1_idea.sql"],
  });
});

Deno.test("each thing that may be missing names the file that makes it", async () => {
  const files = await readMigrationFiles();
  assertEquals(
    fileThatMakes(files, "public.usage_records_chat_idx"),
    "20251018000001_create_pricing_tables.sql",
  );
  assertEquals(
    fileThatMakes(files, "auth.users: farebox_welcome_new_user"),
    "20261122000012_sign_up.sql",
  );
  assertEquals(
    fileThatMakes(files, "billing.doctor_facts(text[])"),
    "20261122000055_doctor_facts.sql",
  );
  const functions = Object.keys(EXPECTED.functions);
  assertEquals(functions.filter((name) => fileThatMakes(files, name) === null), []);
});
