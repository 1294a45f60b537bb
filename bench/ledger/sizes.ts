/** Bytes that a usage record takes on the disk, and what of it is the row and which index. */
import type { Sql } from "../../tests/support/connect.ts";

/** Bytes a record: `total`, then `row` and each index by its name. */
export async function bytesARecord(sql: Sql): Promise<Map<string, number>> {
  const rows = await sql<{ name: string; bytes: number }[]>`
    with records as (select count(*)::float8 as n from public.usage_records)
    select 'total' as name, pg_total_relation_size('public.usage_records') / n as bytes from records
    union all
    select 'row', pg_relation_size('public.usage_records') / n from records
    union all
    (select c.relname, pg_relation_size(c.oid) / n
    from records, pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = 'public.usage_records'::regclass
    order by 2 desc)`;
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}
