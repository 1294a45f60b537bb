/**
 * `deno task types`: writes shared/credit/database.types.ts with the official CLI, from a database
 * to which the migrations were applied, and what `farebox doctor` expects of such a database and
 * the rollback removes from it. To be run after every change of a migration.
 */
import { fileURLToPath } from "node:url";
import { withDatabase } from "../tests/support/database.ts";
import { remoteDatabase, runSupabaseCli } from "../tests/support/supabase_cli.ts";
import { writeExpectedFacts } from "./expected_facts.ts";
import { writeRollbackNames } from "./rollback_names.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The generated file, relative to the repo. */
export const TYPES_FILE = "shared/credit/database.types.ts";

/** What the CLI writes for schema public of the database at `url`. */
export async function generateTypes(url: string): Promise<string> {
  const args = ["gen", "types", "typescript", remoteDatabase(url), "--schema=public"];
  return (await runSupabaseCli(args, { workdir: ROOT })).stdout;
}

if (import.meta.main) {
  await withDatabase(async ({ url }) => {
    await Deno.writeTextFile(`${ROOT}/${TYPES_FILE}`, await generateTypes(url));
  });
  console.log(`Wrote ${TYPES_FILE}`);
  await writeExpectedFacts();
  await writeRollbackNames();
}
