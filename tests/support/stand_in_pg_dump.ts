/**
 * Stands in for `pg_dump --data-only` where none is installed that knows the server's version: real
 * COPY text of the real server, as of the snapshot it is given, in the form that pg_dump has.
 */
import postgres from "postgres";

/** Puts a program `pg_dump` into a folder of its own. The caller removes the folder. */
export async function installPgDump(version = "17.2"): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-pg-dump-" });
  const script = `#!/bin/sh
if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) ${version} (stand-in)"; exit; fi
exec "${Deno.execPath()}" run -A --no-check "${import.meta.filename}" "$@"
`;
  await Deno.writeTextFile(`${folder}/pg_dump`, script, { mode: 0o755 });
  return folder;
}

if (import.meta.main) {
  const sql = postgres({
    max: 1,
    host: Deno.env.get("PGHOST")!,
    port: Number(Deno.env.get("PGPORT")),
    user: Deno.env.get("PGUSER")!,
    password: Deno.env.get("PGPASSWORD")!,
    database: Deno.env.get("PGDATABASE")!,
  });
  const valuesOf = (option: string) =>
    Deno.args.filter((arg) => arg.startsWith(`${option}=`)).map((arg) =>
      arg.slice(option.length + 1)
    );
  const lines = ["--", "-- PostgreSQL database dump", "--", "", "\\restrict aToken", ""];
  await sql.begin("isolation level repeatable read read only", async (transaction) => {
    await transaction.unsafe(`set transaction snapshot '${valuesOf("--snapshot")[0]}'`);
    await transaction.unsafe("set local search_path = ''");
    for (const table of valuesOf("--table")) {
      const columns = await transaction<{ name: string }[]>`
        select quote_ident(attname) as name from pg_attribute
        where attrelid = ${table}::regclass and attnum > 0 and not attisdropped
        order by attnum`;
      const list = columns.map(({ name }) => name).join(", ");
      lines.push("", "--", `-- Data for Name: ${table}; Type: TABLE DATA`, "--", "");
      lines.push(`COPY ${table} (${list}) FROM stdin;`);
      const copy = await transaction.unsafe(`copy ${table} (${list}) to stdout`).readable();
      let text = "";
      for await (const chunk of copy) text += chunk.toString();
      lines.push(`${text}\\.`);
    }
  });
  await sql.end();
  console.log([...lines, "", "-- PostgreSQL database dump complete", "--", ""].join("\n"));
}
