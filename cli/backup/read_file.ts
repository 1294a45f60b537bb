/** Reads a backup line by line, whatever its size, and says what is wrong with one that is not whole. */
import { createHash, type Hash } from "node:crypto";
import { rowsOfDump } from "./dump_rows.ts";
import {
  BackupProblem,
  type BackupRow,
  type Footer,
  FOOTER_LINE_START,
  FooterLine,
  FORMAT,
  FORMAT_VERSION,
  Header,
  SQL_COMMENT,
  TABLE_LINE_START,
  TableLine,
} from "./format.ts";

export interface BackupReader {
  readonly header: Header;
  /** Every row in the file's order. Read it to its end: only then is the checksum known. */
  rows(): AsyncGenerator<BackupRow>;
  /** After the rows: what the last line says. @throws BackupProblem when the file is not whole. */
  footer(): Footer;
}

const decoder = new TextDecoder();
const LINE_FEED = 0x0a;
const ANOTHER = "Take another backup: nothing was done.";

/** Opens a backup and reads its first line. @throws BackupProblem */
export async function readBackup(path: string): Promise<BackupReader> {
  const lines = linesOf(path);
  const hash = createHash("sha256");
  const first = await nextLine(lines, path);
  if (first === null) throw new BackupProblem(notABackup(path));
  const header = readHeader(path, decoder.decode(first));
  take(hash, first);
  let footer: Footer | undefined;

  async function* content(): AsyncGenerator<string> {
    for (;;) {
      const bytes = await nextLine(lines, path);
      if (bytes === null) throw new BackupProblem(`${path} is cut off. ${ANOTHER}`);
      const line = decoder.decode(bytes);
      const ours = withoutComment(header, line);
      if (ours.startsWith(FOOTER_LINE_START)) {
        footer = readFooter(path, ours, hash);
        if (await nextLine(lines, path) === null) return;
        throw new BackupProblem(`${path} goes on after its end. ${ANOTHER}`);
      }
      take(hash, bytes);
      yield line;
    }
  }
  return {
    header,
    rows: () => header.content === "pg_dump" ? rowsOfDump(content(), header) : rowsOf(content()),
    footer() {
      if (footer === undefined) throw new Error("footer() before the end of rows()");
      return footer;
    },
  };
}

/** Reads all of it: the checksum, and that each table has the rows that the last line counts. */
export async function checkBackup(path: string): Promise<{ header: Header; footer: Footer }> {
  const reader = await readBackup(path);
  const counted = new Map(reader.header.tables.map(({ name }) => [name, 0]));
  for await (const { table } of reader.rows()) {
    const before = counted.get(table);
    if (before === undefined) {
      throw new BackupProblem(`${path} has rows of ${table}, which it does not name. ${ANOTHER}`);
    }
    counted.set(table, before + 1);
  }
  const footer = reader.footer();
  for (const [table, rows] of counted) {
    if (footer.tables[table]?.rows !== rows) {
      throw new BackupProblem(
        `${path} has ${rows} rows of ${table} and counts ${footer.tables[table]?.rows}. ${ANOTHER}`,
      );
    }
  }
  return { header: reader.header, footer };
}

async function* rowsOf(lines: AsyncGenerator<string>): AsyncGenerator<BackupRow> {
  let table = "";
  for await (const line of lines) {
    if (line.startsWith(TABLE_LINE_START)) table = TableLine.parse(JSON.parse(line)).farebox_table;
    else yield { table, line };
  }
}

function readHeader(path: string, line: string): Header {
  let said: unknown;
  try {
    said = JSON.parse(line.startsWith(SQL_COMMENT) ? line.slice(SQL_COMMENT.length) : line);
  } catch {
    throw new BackupProblem(notABackup(path));
  }
  const { format, format_version: version } = (said ?? {}) as Record<string, unknown>;
  if (format !== FORMAT) throw new BackupProblem(notABackup(path));
  if (version !== FORMAT_VERSION) {
    throw new BackupProblem(
      `${path} has version ${version} of the format, and this Farebox reads version ` +
        `${FORMAT_VERSION}: use the Farebox that wrote it. Nothing was done.`,
    );
  }
  const header = Header.safeParse(said);
  if (header.success) return header.data;
  throw new BackupProblem(`The first line of ${path} was altered. ${ANOTHER}`);
}

function readFooter(path: string, line: string, hash: Hash): Footer {
  const altered = new BackupProblem(
    `${path} was altered, or damaged on its way: its checksum does not fit. ${ANOTHER}`,
  );
  let said: unknown;
  try {
    said = JSON.parse(line);
  } catch {
    throw altered;
  }
  const parsed = FooterLine.safeParse(said);
  if (!parsed.success || parsed.data.farebox_end.sha256 !== hash.digest("hex")) throw altered;
  return parsed.data.farebox_end;
}

function notABackup(path: string): string {
  return `${path} is not a backup of Farebox: it begins with something else. Nothing was done.`;
}

function withoutComment(header: Header, line: string): string {
  return header.content === "pg_dump" && line.startsWith(SQL_COMMENT)
    ? line.slice(SQL_COMMENT.length)
    : line;
}

function take(hash: Hash, line: Uint8Array): void {
  hash.update(line);
  hash.update("\n");
}

/** The next line; null at the end. What gzip does not understand is a file that was cut or altered. */
async function nextLine(
  lines: AsyncGenerator<Uint8Array>,
  path: string,
): Promise<Uint8Array | null> {
  try {
    const { value, done } = await lines.next();
    return done ? null : value;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new BackupProblem(`There is no file ${path}.`);
    if (error instanceof TypeError) {
      throw new BackupProblem(
        `${path} cannot be unpacked: it is no backup, or it is cut off or damaged. ${ANOTHER}`,
      );
    }
    if (
      error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.IsADirectory
    ) {
      throw new BackupProblem(`Cannot read ${path}: ${error.message}.`);
    }
    throw error;
  }
}

async function* linesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await Deno.open(path);
  let parts: Uint8Array[] = [];
  for await (const chunk of file.readable.pipeThrough(new DecompressionStream("gzip"))) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      parts.push(chunk.subarray(start, end));
      yield parts.length === 1 ? parts[0]! : joined(parts);
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  if (parts.length > 0) yield joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
