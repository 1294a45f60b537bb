import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { createPgtap } from "../support/pgtap.ts";
import {
  CLI_MISSING,
  remoteDatabase,
  runSupabaseCli,
  supabaseCli,
} from "../support/supabase_cli.ts";
import { generateTypes, TYPES_FILE } from "../../scripts/generate_types.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Registers a test on a new project to which the official CLI applied the migrations. */
function testPushed(
  name: string,
  test: (database: TestDatabase) => Promise<void>,
  ignore = false,
): void {
  Deno.test({
    name: CLI_MISSING ? `${name} [${CLI_MISSING}]` : name,
    ignore: ignore || CLI_MISSING !== null,
    fn: () =>
      withDatabase(async (database) => {
        await runSupabaseCli(["db", "push", remoteDatabase(database.url), "--yes"], {
          workdir: ROOT,
        });
        await test(database);
      }, { migrated: false }),
  });
}

testPushed(
  "`db push` applies every migration, and a second push finds nothing to do",
  async ({ sql, url }) => {
    const files = [...Deno.readDirSync(`${ROOT}/supabase/migrations`)].map((entry) => entry.name);
    const applied = await sql`
    select version || '_' || name || '.sql' as file from supabase_migrations.schema_migrations`;
    assertEquals(applied.map((row) => row["file"]).sort(), files.sort());
    const again = await runSupabaseCli(["db", "push", remoteDatabase(url), "--yes"], {
      workdir: ROOT,
    });
    assert(again.transcript.includes("up to date"), again.transcript);
  },
);

/** What the advisors print as JSON. */
interface Advice {
  results: { name: string; level: string; detail: string }[];
}

/** On a new database no index was used yet: what this finds says nothing about the indexes. */
const FRESH_DATABASE = ["unused_index"];

testPushed(
  "`db advisors` finds no issue of security or performance, down to level info",
  async ({ url }) => {
    const run = await supabaseCli(
      ["db", "advisors", remoteDatabase(url), "--type=all", "--level=info", "--output-format=json"],
      { workdir: ROOT },
    );
    const { results: found }: Advice = JSON.parse(run.stdout);
    const issues = found
      .filter((issue) => !FRESH_DATABASE.includes(issue.name))
      .map((issue) => `${issue.level} ${issue.name}: ${issue.detail}`);
    assertEquals(issues, []);
    // Were the reading of the answer wrong, it would look like a clean database.
    assert(found.length > 0, run.transcript);
  },
);

testPushed(
  "`gen types` writes exactly the committed database.types.ts (else: deno task types)",
  async ({ url }) => {
    assertEquals(await generateTypes(url), await Deno.readTextFile(`${ROOT}/${TYPES_FILE}`));
  },
);

/** The CLI runs pg_prove in a container; the same files run without one in tests/db. */
const DOCKER_WANTED = "FAREBOX_TEST_DOCKER";
const hasDocker = Deno.env.get(DOCKER_WANTED) === "1";

testPushed(
  `\`db test\` passes every pgTAP file${hasDocker ? "" : ` [needs Docker: ${DOCKER_WANTED}=1]`}`,
  async ({ url, adminUrl }) => {
    await createPgtap(adminUrl);
    const args = ["db", "test", remoteDatabase(url), "--yes"];
    const { transcript } = await runSupabaseCli(args, { workdir: ROOT });
    for (const { name } of Deno.readDirSync(`${ROOT}/supabase/tests/database`)) {
      assert(transcript.includes(name), `${name} was not run:\n${transcript}`);
    }
  },
  !hasDocker,
);
