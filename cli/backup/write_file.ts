/** Writes a backup: gzip'ed, counted, with its checksum, and in its place only when it is whole. */
import { createHash } from "node:crypto";
import {
  BackupProblem,
  type Contents,
  type Footer,
  type Header,
  SQL_COMMENT,
  TABLE_LINE_START,
} from "./format.ts";

export interface BackupWriter {
  /** What follows are rows of this table. */
  table(name: string): Promise<void>;
  /** Lines, with a line break between them and none at the end. */
  lines(text: string): Promise<void>;
  /** Text as it comes, in pieces, for what another program wrote. */
  piece(bytes: Uint8Array): Promise<void>;
  /** Writes the last line and moves the file into its place. Answers its size in bytes. */
  finish(contents: Omit<Footer, "sha256" | "ended_at">): Promise<number>;
  /** Leaves nothing behind. Does nothing after `finish`. */
  discard(): Promise<void>;
}

const encoder = new TextEncoder();

/** Others must not read it: transcripts are in it. */
const ONLY_OWNER = 0o600;

/**
 * Begins a backup at `path`.
 * @throws BackupProblem when something is there, or the folder is not.
 */
export async function writeBackup(path: string, header: Header): Promise<BackupWriter> {
  await refuseExisting(path);
  const partial = `${path}.partial`;
  const file = await openNew(partial);
  const hash = createHash("sha256");
  const gzip = new CompressionStream("gzip");
  const written = gzip.readable.pipeTo(file.writable);
  // Told again by `finish`: a full disk must not end the program before its sentence.
  written.catch(() => {});
  const output = gzip.writable.getWriter();
  const comment = header.content === "pg_dump" ? SQL_COMMENT : "";
  let isFinished = false;

  const piece = async (bytes: Uint8Array) => {
    hash.update(bytes);
    await output.write(new Uint8Array(bytes));
  };
  const line = (text: string) => piece(encoder.encode(text + "\n"));
  await line(comment + JSON.stringify(header));

  return {
    table: (name) => line(`${TABLE_LINE_START}${JSON.stringify(name)}}`),
    lines: line,
    piece,
    async finish(contents) {
      const footer: Footer = {
        sha256: hash.digest("hex"),
        ...contents,
        ended_at: new Date().toISOString(),
      };
      await output.write(
        encoder.encode(`${comment}${JSON.stringify({ farebox_end: footer })}\n`),
      );
      await output.close();
      await written;
      const { size } = await Deno.stat(partial);
      await Deno.rename(partial, path);
      isFinished = true;
      return size;
    },
    async discard() {
      if (isFinished) return;
      await output.abort().catch(() => {});
      await written.catch(() => {});
      await Deno.remove(partial).catch(() => {});
    },
  };
}

/** The marks of pages add up to the mark of the table. */
export function addContents(sum: Contents, page: Contents): Contents {
  return { rows: sum.rows + page.rows, mark: String(BigInt(sum.mark) + BigInt(page.mark)) };
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new BackupProblem(`Cannot write ${path}: ${reasonOf(error)}.`);
  }
  throw new BackupProblem(`${path} exists: name another file with --out, or move it away.`);
}

/** Never through a link, nor into a file that others may read: what is left of an earlier one goes first. */
async function openNew(path: string): Promise<Deno.FsFile> {
  await removeStale(path);
  try {
    return await Deno.open(path, { write: true, createNew: true, mode: ONLY_OWNER });
  } catch (error) {
    throw new BackupProblem(`Cannot write ${path}: ${reasonOf(error)}.`);
  }
}

async function removeStale(path: string): Promise<void> {
  try {
    if ((await Deno.lstat(path)).isFile) return await Deno.remove(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new BackupProblem(`Cannot write ${path}: ${reasonOf(error)}.`);
  }
  throw new BackupProblem(
    `${path} is a link or a folder, which a backup does not write through: remove it, or name ` +
      "another file with --out.",
  );
}

/** The operating system's words, without the path that it repeats. */
function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "its folder does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "permission is denied";
  return error instanceof Error ? error.message : String(error);
}
