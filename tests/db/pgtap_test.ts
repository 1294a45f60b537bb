import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";
import { withDatabase } from "../support/database.ts";
import { createPgtap, runPgtapFile } from "../support/pgtap.ts";

const FOLDER = fileURLToPath(new URL("../../supabase/tests/database", import.meta.url));

const files = [...Deno.readDirSync(FOLDER)]
  .map((entry) => entry.name)
  .filter((name) => name.endsWith(".test.sql"))
  .sort();

for (const file of files) {
  Deno.test(`pgTAP ${file} passes`, () =>
    withDatabase(async ({ url, adminUrl }) => {
      await createPgtap(adminUrl);
      const { passed, failures } = await runPgtapFile(url, `${FOLDER}/${file}`);
      if (failures.length > 0) throw new Error(`\n${failures.join("\n")}`);
      assert(passed > 0, "The file tests nothing");
    }));
}
