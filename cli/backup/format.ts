/**
 * A backup's form: gzip'ed lines. The first says what it is, the last what it holds and the checksum
 * of all lines between the two and of the first.
 *
 * `portable`: after a line that names a table come its rows, one line each, as PostgreSQL made the JSON:
 * numbers stay text and are never read into floats. `pg_dump`: the output of `pg_dump --data-only`,
 * with first and last line as comments, so that psql could read it too.
 */
import * as z from "zod/mini";

export const FORMAT = "farebox-backup";
/** Another number is another form: older programs must not guess. */
export const FORMAT_VERSION = 1;

const Column = z.object({ name: z.string(), type: z.string() });
export type Column = z.infer<typeof Column>;

const Sequence = z.object({ name: z.string(), last_value: z.string(), is_called: z.boolean() });

/** What `public.export_facts()` answers. */
export const Facts = z.object({
  migration: z.nullable(z.string()),
  tables: z.array(z.object({ name: z.string(), columns: z.array(Column), rows: z.number() })),
  sequences: z.array(Sequence),
  at: z.string(),
});
export type Facts = z.infer<typeof Facts>;

export const Header = z.object({
  format: z.literal(FORMAT),
  format_version: z.literal(FORMAT_VERSION),
  content: z.enum(["portable", "pg_dump"]),
  /** The newest migration; null where nobody keeps record. */
  migration: z.nullable(z.string()),
  created_at: z.string(),
  tables: z.array(z.object({ name: z.string(), columns: z.array(Column) })),
});
export type Header = z.infer<typeof Header>;

/** Rows of a table, and the mark of their contents (billing.export_query). */
export const Contents = z.object({ rows: z.number(), mark: z.string() });
export type Contents = z.infer<typeof Contents>;

export const Footer = z.object({
  /** Of all lines before, each with its line break, uncompressed; hexadecimal. */
  sha256: z.string(),
  tables: z.record(z.string(), Contents),
  sequences: z.array(Sequence),
  /** Whether the ledger moved while it was read; null where that could not be told. */
  moved: z.nullable(z.boolean()),
  ended_at: z.string(),
});
export type Footer = z.infer<typeof Footer>;

/** What a line before rows says. */
export const TableLine = z.object({ farebox_table: z.string() });
export const TABLE_LINE_START = '{"farebox_table":';

export const FooterLine = z.object({ farebox_end: Footer });
export const FOOTER_LINE_START = '{"farebox_end":';

/** Makes a line of ours a comment of SQL. */
export const SQL_COMMENT = "-- ";

/** A row as one line of JSON, and the table that it belongs to. */
export type BackupRow = { table: string; line: string };

/** The backup, the target or what was asked does not allow it; the message says what to do. */
export class BackupProblem extends Error {
  override name = "BackupProblem";
}
