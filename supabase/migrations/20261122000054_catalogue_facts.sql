-- What of Farebox this database has, as the catalogue tells it: `farebox doctor` compares it with what
-- a migrated database has. Everything in it is named as it is without a search path, so that two
-- databases can be compared.

-- The tables and views: of schema billing all, of schema public those of these names.
create function billing.relations_of_ours(p_public_names text[])
returns table (relation oid, name text)
language sql
stable
set search_path = ''
as $$
  select c.oid, c.oid::regclass::text
  from pg_catalog.pg_class c
  where c.relkind in ('r', 'p', 'v', 'm')
    and (
      c.relnamespace = 'billing'::regnamespace
      or c.relnamespace = 'public'::regnamespace and c.relname = any (p_public_names)
    );
$$;

-- Each relation: its columns, whether row security is on, and what each role of the Data API may do.
create function billing.relation_facts(p_public_names text[]) returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(o.name, jsonb_build_object(
    'is_table', c.relkind in ('r', 'p'),
    'row_security', c.relrowsecurity,
    'columns', (
      select jsonb_object_agg(
        a.attname,
        format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
      )
      from pg_catalog.pg_attribute a
      where a.attrelid = o.relation and a.attnum > 0 and not a.attisdropped
    ),
    'privileges', (
      select jsonb_object_agg(role.name, (
        select coalesce(jsonb_agg(p.name order by p.ordinal), '[]')
        from unnest(array['select', 'insert', 'update', 'references', 'delete', 'truncate', 'trigger'])
          with ordinality p (name, ordinal)
        where has_table_privilege(role.name, o.relation, p.name)
          -- One column is enough to be told.
          or p.ordinal <= 4 and has_any_column_privilege(role.name, o.relation, p.name)
      ))
      from unnest(array['anon', 'authenticated', 'service_role']) role (name)
    )
  )), '{}')
  from billing.relations_of_ours(p_public_names) o
  join pg_catalog.pg_class c on c.oid = o.relation;
$$;

-- Policies, indexes, constraints and triggers, each under its name with its definition.
create function billing.definition_facts(p_public_names text[]) returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'policies', (
      select coalesce(jsonb_object_agg(
        o.name || ': ' || p.polname,
        concat_ws(
          ' ',
          case when p.polpermissive then 'permissive' else 'restrictive' end,
          case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
            when 'd' then 'delete' else 'all' end,
          'to', (
            select string_agg(case when r = 0 then 'public' else r::regrole::text end, ', ' order by r)
            from unnest(p.polroles) r
          ),
          'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
          'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
        )
      ), '{}')
      from pg_catalog.pg_policy p
      join billing.relations_of_ours(p_public_names) o on o.relation = p.polrelid
    ),
    'indexes', (
      select coalesce(jsonb_object_agg(
        i.indexrelid::regclass::text,
        pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end
      ), '{}')
      from pg_catalog.pg_index i
      join billing.relations_of_ours(p_public_names) o on o.relation = i.indrelid
    ),
    'constraints', (
      select coalesce(jsonb_object_agg(o.name || ': ' || k.conname, pg_get_constraintdef(k.oid)), '{}')
      from pg_catalog.pg_constraint k
      join billing.relations_of_ours(p_public_names) o on o.relation = k.conrelid
      -- From PostgreSQL 18 on "not null" is among them; here it is told with the column.
      where k.contype in ('c', 'f', 'p', 'u', 'x')
    ),
    'triggers', (
      select coalesce(jsonb_object_agg(
        t.tgrelid::regclass::text || ': ' || t.tgname,
        pg_get_triggerdef(t.oid) || case t.tgenabled when 'D' then ' (disabled)' else '' end
      ), '{}')
      from pg_catalog.pg_trigger t
      where not t.tgisinternal
        and (
          t.tgrelid in (select o.relation from billing.relations_of_ours(p_public_names) o)
          or t.tgrelid = 'auth.users'::regclass and t.tgname like 'farebox\_%'
        )
    )
  );
$$;

-- Each function, with who of the Data API's roles may execute it, and its body's fingerprint.
create function billing.function_facts(p_public_names text[]) returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(p.oid::regprocedure::text, jsonb_build_object(
    'name', p.proname,
    'schema', n.nspname,
    -- Of those that it is called with.
    'arguments', coalesce(to_jsonb(p.proargnames[1:p.pronargs]), '[]'),
    'is_trigger', p.prorettype = 'trigger'::regtype,
    'is_definer', p.prosecdef,
    'body_md5', md5(p.prosrc),
    'execute', (
      select coalesce(jsonb_agg(role.name order by role.name), '[]')
      from unnest(array['anon', 'authenticated', 'service_role']) role (name)
      where has_function_privilege(role.name, p.oid, 'execute')
    )
  )), '{}')
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where (n.nspname = 'billing' or n.nspname = 'public' and p.proname = any (p_public_names))
    and not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    );
$$;

revoke all on function billing.relations_of_ours(text[]) from public;
revoke all on function billing.relation_facts(text[]) from public;
revoke all on function billing.definition_facts(text[]) from public;
revoke all on function billing.function_facts(text[]) from public;
