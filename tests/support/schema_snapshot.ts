/** Everything that a database's catalog says of its schema, one line a fact: to compare two moments. */
import type { Sql } from "./connect.ts";

/** Schemas of PostgreSQL itself, which no migration touches. */
const NOT_SYSTEM = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Each selects `fact`; object ids are shown as names, so that what is made again is the same. */
const QUERIES: readonly string[] = [
  `select format('schema %s owner %s acl %s', n.nspname, n.nspowner::regrole, n.nspacl) as fact
   from pg_namespace n where n.nspname !~ '^pg_(toast|temp)'`,
  `select format('relation %s kind %s owner %s acl %s rls %s/%s options %s comment %L view %s',
     c.oid::regclass, c.relkind, c.relowner::regrole, c.relacl, c.relrowsecurity,
     c.relforcerowsecurity, c.reloptions, obj_description(c.oid, 'pg_class'),
     case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end) as fact
   from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${NOT_SYSTEM}`,
  `select format('column %s.%I number %s type %s null %s default %s identity %s acl %s comment %L',
     c.oid::regclass, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
     pg_get_expr(d.adbin, d.adrelid), concat(a.attidentity, a.attgenerated), a.attacl,
     col_description(c.oid, a.attnum)) as fact
   from pg_attribute a
   join pg_class c on c.oid = a.attrelid
   join pg_namespace n on n.oid = c.relnamespace
   left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attnum > 0 and ${NOT_SYSTEM}`,
  `select format('constraint %s on %s: %s', k.conname, k.conrelid::regclass,
     pg_get_constraintdef(k.oid)) as fact
   from pg_constraint k join pg_namespace n on n.oid = k.connamespace where ${NOT_SYSTEM}`,
  `select format('index %s', pg_get_indexdef(i.indexrelid)) as fact
   from pg_index i
   join pg_class c on c.oid = i.indexrelid
   join pg_namespace n on n.oid = c.relnamespace where ${NOT_SYSTEM}`,
  `select format('function %s kind %s owner %s acl %s comment %L settings %s source %s',
     p.oid::regprocedure, p.prokind, p.proowner::regrole, p.proacl,
     obj_description(p.oid, 'pg_proc'), p.proconfig, p.prosrc) as fact
   from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${NOT_SYSTEM}`,
  `select format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled) as fact
   from pg_trigger t where not t.tgisinternal`,
  `select format('policy %s on %s for %s to %s using %s check %s permissive %s', p.polname,
     p.polrelid::regclass, p.polcmd, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid),
     pg_get_expr(p.polwithcheck, p.polrelid), p.polpermissive) as fact
   from pg_policy p`,
  `select format('default privileges of %s in %s for %s: %s', d.defaclrole::regrole,
     coalesce(n.nspname, '(all)'), d.defaclobjtype, d.defaclacl) as fact
   from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace`,
  `select format('sequence %s type %s start %s step %s', s.seqrelid::regclass,
     s.seqtypid::regtype, s.seqstart, s.seqincrement) as fact from pg_sequence s`,
  `select format('type %s kind %s owner %s acl %s labels %s', t.oid::regtype, t.typtype,
     t.typowner::regrole, t.typacl,
     (select array_agg(e.enumlabel order by e.enumsortorder) from pg_enum e
      where e.enumtypid = t.oid)) as fact
   from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${NOT_SYSTEM}`,
  `select format('extension %s in %s version %s', e.extname, e.extnamespace::regnamespace,
     e.extversion) as fact from pg_extension e`,
  `select format('event trigger %s on %s', e.evtname, e.evtevent) as fact from pg_event_trigger e`,
  `select format('publication %s all %s tables %s', p.pubname, p.puballtables,
     (select array_agg(r.prrelid::regclass::text order by 1) from pg_publication_rel r
      where r.prpubid = p.oid)) as fact
   from pg_publication p`,
  `select format('setting of role %s, database %s: %s', s.setrole, s.setdatabase = 0, s.setconfig)
     as fact
   from pg_db_role_setting s
   where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))`,
  `select format('role %s super %s inherit %s createrole %s login %s bypass %s', r.rolname,
     r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcanlogin, r.rolbypassrls) as fact
   from pg_roles r`,
];

/** The facts, sorted. */
export async function schemaSnapshot(sql: Sql): Promise<string[]> {
  const facts: string[] = [];
  for (const query of QUERIES) {
    // A name is shown with its schema, whatever the search path.
    const rows = await sql.begin(async (transaction) => {
      await transaction`set local search_path = ''`;
      return await transaction.unsafe<{ fact: string }[]>(query);
    });
    facts.push(...rows.map((row) => row.fact));
  }
  return facts.sort();
}

/** What one moment has and the other has not; empty lists where they are the same. */
export function schemaDifference(
  before: readonly string[],
  after: readonly string[],
): { left: string[]; lost: string[] } {
  const [had, has] = [new Set(before), new Set(after)];
  return {
    left: after.filter((fact) => !had.has(fact)),
    lost: before.filter((fact) => !has.has(fact)),
  };
}
