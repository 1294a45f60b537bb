-- What a backup reads: Farebox's own tables, a page at a time, as text that loses nothing. Numerics
-- keep every digit and times their microseconds, because PostgreSQL makes the JSON of a row and
-- nobody parses it on the way. The list of tables comes from the catalog, so none is forgotten.

-- Every table of Farebox: those of billing, and these of public. A table comes after those that it
-- refers to. Of the rest charges come first and credits late: where the ledger moves while it is
-- read without one snapshot, an account then has too much rather than less than nothing.
create function billing.export_tables() returns table (
  relation regclass,
  name text,
  key_columns text[],
  columns json,
  ordinal bigint
)
language sql
stable
set search_path = ''
as $$
  with recursive tables as (
    select c.oid, n.nspname || '.' || c.relname as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
      and not c.relispartition
      and (
        n.nspname = 'billing'
        or n.nspname = 'public' and c.relname in (
          'model_pricing', 'user_balances', 'usage_records', 'balance_transactions',
          'chat_exchanges', 'balance_notices'
        )
      )
  ),
  depths (oid, depth) as (
    select t.oid, 0 from tables t
    union
    select f.conrelid, d.depth + 1
    from depths d
    join pg_catalog.pg_constraint f
      on f.contype = 'f' and f.confrelid = d.oid and f.conrelid <> d.oid
    join tables t on t.oid = f.conrelid
    where d.depth < 20
  )
  select
    t.oid::regclass,
    t.name,
    (
      select array_agg(a.attname::text order by k.place)
      from pg_catalog.pg_index i
      cross join unnest(i.indkey::smallint[]) with ordinality k (attnum, place)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where i.indrelid = t.oid and i.indisprimary
    ),
    (
      select json_agg(
        json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod))
        order by a.attnum
      )
      from pg_catalog.pg_attribute a
      where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    ),
    row_number() over (
      order by
        (select max(d.depth) from depths d where d.oid = t.oid),
        coalesce(
          array_position(
            array[
              'public.usage_records', 'billing.usage_of_other_models', 'billing.reservations',
              'public.balance_transactions', 'public.user_balances'
            ],
            t.name
          ),
          100
        ),
        t.name
    )
  from tables t;
$$;

-- A query of a table's rows as lines: their columns as JSON (a line break in it can only stand between
-- its parts), with each line's share in the mark of the table. Marks are sums, so that the order of rows
-- is nothing. It is text to execute: a function called for each of a million rows would take minutes.
create function billing.export_query(p_relation regclass, p_rest text) returns text
language sql
stable
set search_path = ''
as $$
  select format(
    $query$
      select l.line, ('x' || substr(md5(l.line), 1, 16))::bit(64)::bigint::numeric as mark
      from (select replace(to_json(t)::text, E'\n', ' ') as line from %s t %s) l
    $query$,
    p_relation, p_rest
  );
$$;

create function billing.export_table(p_table text) returns record
language plpgsql
stable
set search_path = ''
as $$
declare
  found_table record;
begin
  select * into found_table from billing.export_tables() t where t.name = p_table;
  if not found then
    perform billing.refuse(
      404, 'INVALID_ARGUMENT', format('Farebox has no table %s.', p_table),
      'public.export_facts() names the tables that a backup has.'
    );
  end if;
  return found_table;
end
$$;

-- The rows after the key p_after (as `next` said it; null: the first), in the order of the key, as
-- lines. A page ends before it grows beyond some 4 MiB, but has one row at least: transcripts are large.
-- Answers {"rows": lines, "count", "mark", "next"}; `next` is null at the end of the table.
create function billing.export_page(p_table text, p_after json, p_limit integer) returns json
language plpgsql
stable
security definer
set search_path = ''
set timezone = 'UTC'
set bytea_output = 'hex'
as $$
declare
  bytes_max constant integer := 4 * 1024 * 1024;
  found_table constant record := billing.export_table(p_table);
  lines text[] := '{}';
  mark numeric := 0;
  bytes bigint := 0;
  entry record;
  is_cut boolean := false;
  after_key text;
  key_list text;
begin
  if p_limit is null or p_limit not between 1 and 10000 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A page has 1 to 10000 rows.', 'Send p_limit within these bounds.'
    );
  end if;
  select
    string_agg(format('t.%I', k.name), ', ' order by k.place),
    string_agg(
      format('($1 ->> %L)::%s', k.name, format_type(a.atttypid, a.atttypmod)), ', '
      order by k.place
    )
  into key_list, after_key
  from unnest(found_table.key_columns) with ordinality k (name, place)
  join pg_catalog.pg_attribute a
    on a.attrelid = found_table.relation and a.attname = k.name;

  for entry in execute billing.export_query(
    found_table.relation,
    format(
      'where %s order by %s limit %s',
      case when p_after is null then 'true' else format('(%s) > (%s)', key_list, after_key) end,
      key_list,
      p_limit
    )
  ) using p_after
  loop
    is_cut := bytes > 0 and bytes + octet_length(entry.line) > bytes_max;
    exit when is_cut;
    lines := lines || entry.line;
    bytes := bytes + octet_length(entry.line);
    mark := mark + entry.mark;
  end loop;
  return json_build_object(
    'rows', array_to_string(lines, E'\n'),
    'count', cardinality(lines),
    'mark', mark::text,
    'next', case
      when is_cut or cardinality(lines) = p_limit then (
        select json_object_agg(k, lines[cardinality(lines)]::json -> k)
        from unnest(found_table.key_columns) k
      )
    end
  );
end
$$;

-- How many rows a table has, and the mark of their contents: equal marks are equal tables. It reads
-- the whole table.
create function billing.export_mark(p_table text) returns json
language plpgsql
stable
security definer
set search_path = ''
set timezone = 'UTC'
set bytea_output = 'hex'
set statement_timeout = '120s'
as $$
declare
  found_table constant record := billing.export_table(p_table);
  answer json;
begin
  execute format(
    'select json_build_object(''rows'', count(*), ''mark'', coalesce(sum(e.mark), 0)::text) from (%s) e',
    billing.export_query(found_table.relation, '')
  ) into answer;
  return answer;
end
$$;

-- The newest of Farebox's migrations that is recorded as applied; null where nobody keeps record. An
-- app has migrations of its own: Farebox's are numbered from midnight, and name what they make.
create function billing.newest_migration() returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if to_regclass('supabase_migrations.schema_migrations') is null then
    return null;
  end if;
  return (
    select max(m.version) from supabase_migrations.schema_migrations m
    where m.version ~ '^(20251018|20261122)0000[0-9]{2}$'
      and coalesce(array_to_string(m.statements, ' '), 'billing') ~ '\m(billing|model_pricing)\M'
  );
end
$$;

-- What there is to export: the migration, each table with its columns and its number of rows, and
-- where the sequences stand. A backup reads it again at its end: the sequences are then beyond
-- every row that it has.
create function billing.export_facts() returns json
language plpgsql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  found_table record;
  found_sequence record;
  rows_now bigint;
  tables json[] := '{}';
  sequences json[] := '{}';
  position record;
begin
  for found_table in select * from billing.export_tables() t order by t.ordinal loop
    execute format('select count(*) from %s', found_table.relation) into rows_now;
    tables := tables || json_build_object(
      'name', found_table.name, 'columns', found_table.columns, 'rows', rows_now
    );
  end loop;
  for found_sequence in
    select s.oid::regclass as relation, n.nspname || '.' || s.relname as name
    from pg_catalog.pg_class s
    join pg_catalog.pg_namespace n on n.oid = s.relnamespace
    where s.relkind = 'S'
      and (
        n.nspname = 'billing'
        or exists (
          select from pg_catalog.pg_depend d
          join billing.export_tables() t on t.relation = d.refobjid
          where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = s.oid
            and d.refclassid = 'pg_catalog.pg_class'::regclass
        )
      )
    order by 2
  loop
    execute format('select last_value, is_called from %s', found_sequence.relation) into position;
    sequences := sequences || json_build_object(
      'name', found_sequence.name,
      'last_value', position.last_value::text,
      'is_called', position.is_called
    );
  end loop;
  return json_build_object(
    'migration', billing.newest_migration(),
    'tables', to_json(tables),
    'sequences', to_json(sequences),
    'at', clock_timestamp()
  );
end
$$;

revoke all on function billing.export_tables() from public;
revoke all on function billing.export_query(regclass, text) from public;
revoke all on function billing.export_table(text) from public;
revoke all on function billing.newest_migration() from public;
select billing.only_for_service_role(array['export_page', 'export_mark', 'export_facts']);
