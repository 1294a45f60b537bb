/** Reads the COPY sections of a dump into rows as JSON, so that a restore needs neither psql nor pg_restore. */
import { BackupProblem, type BackupRow, type Column, type Header } from "./format.ts";

const COPY = /^COPY ([a-z0-9_."]+) \((.*)\) FROM stdin;$/;
const END_OF_COPY = "\\.";
const NULL = "\\N";

/** The rows of every COPY; what else is in a dump (settings, sequences) is not of interest. */
export async function* rowsOfDump(
  lines: AsyncGenerator<string>,
  header: Pick<Header, "tables">,
): AsyncGenerator<BackupRow> {
  let open: { table: string; columns: Column[] } | null = null;
  for await (const line of lines) {
    if (open === null) open = readCopy(line, header);
    else if (line === END_OF_COPY) open = null;
    else yield { table: open.table, line: jsonOfCopy(line, open.columns) };
  }
}

function readCopy(
  line: string,
  header: Pick<Header, "tables">,
): { table: string; columns: Column[] } | null {
  const [, quoted, list] = COPY.exec(line) ?? [];
  if (quoted === undefined || list === undefined) return null;
  const table = quoted.replaceAll('"', "");
  const known = header.tables.find(({ name }) => name === table);
  const columns = list.split(", ").map((name) => {
    const column = known?.columns.find((column) => column.name === name.replaceAll('"', ""));
    if (column === undefined) {
      throw new BackupProblem(`The dump has ${table}.${name}, which its first line does not name.`);
    }
    return column;
  });
  return { table, columns };
}

/**
 * A line of COPY's text format as an object of strings and nulls, which `json_populate_record` reads
 * by each column's own input function; JSON stays JSON.
 */
export function jsonOfCopy(line: string, columns: readonly Column[]): string {
  const fields = line.split("\t");
  const members = columns.map(({ name, type }, index) => {
    const field = fields[index] ?? NULL;
    const value = field === NULL
      ? "null"
      : /^jsonb?$/.test(type)
      ? unescaped(field)
      : JSON.stringify(unescaped(field));
    return `${JSON.stringify(name)}:${value}`;
  });
  return `{${members.join(",")}}`;
}

const ESCAPES: Record<string, string> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

function unescaped(field: string): string {
  return field.includes("\\")
    ? field.replace(/\\(.)/gs, (_, sign: string) => ESCAPES[sign] ?? sign)
    : field;
}
