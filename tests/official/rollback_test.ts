import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { createUser } from "../support/ledger_calls.ts";
import { withDatabase } from "../support/database.ts";
import { schemaDifference, schemaSnapshot } from "../support/schema_snapshot.ts";
import {
  CLI_MISSING,
  remoteDatabase,
  runSupabaseCli,
  supabaseCli,
} from "../support/supabase_cli.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ROLLBACK = "supabase/rollback/remove_farebox.sql";

Deno.test({
  name:
    `after \`db push\`, the rollback by \`db query --file\`, and \`db push\` again, Farebox is whole${
      CLI_MISSING === null ? "" : ` [${CLI_MISSING}]`
    }`,
  ignore: CLI_MISSING !== null,
  fn: () =>
    withDatabase(async ({ sql, url }) => {
      const push = () =>
        runSupabaseCli(["db", "push", remoteDatabase(url), "--yes"], { workdir: ROOT });
      await push();
      const migrated = await schemaSnapshot(sql);
      const applied = await sql`select version from supabase_migrations.schema_migrations`;

      const asked = await supabaseCli([
        "db",
        "query",
        remoteDatabase(url),
        `--file=${ROLLBACK}`,
        "--yes",
      ], {
        workdir: ROOT,
      });
      assertEquals(asked.success, false);
      assert(asked.transcript.includes("Nothing was removed"), asked.transcript);

      const edited = await Deno.makeTempFile({ suffix: ".sql" });
      const text = await Deno.readTextFile(`${ROOT}/${ROLLBACK}`);
      await Deno.writeTextFile(edited, text.replace("text := 'no'", "text := 'yes'"));
      await runSupabaseCli(["db", "query", remoteDatabase(url), `--file=${edited}`, "--yes"], {
        workdir: ROOT,
      });
      await Deno.remove(edited);
      assertEquals((await sql`select from supabase_migrations.schema_migrations`).length, 0);

      await push();
      assertEquals(schemaDifference(migrated, await schemaSnapshot(sql)), { left: [], lost: [] });
      const again = await sql`select version from supabase_migrations.schema_migrations`;
      assertEquals(again.length, applied.length);
      const user = await createUser(sql);
      assertEquals((await sql`select from user_balances where user_id = ${user}`).length, 1);
    }, { migrated: false }),
});
