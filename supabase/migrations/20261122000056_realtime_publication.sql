-- A balance on the screen changes when another device spends, or the operator gives credit: Realtime
-- tells a user of each new charge and each new transaction of theirs, and the client asks for the
-- balance. Row security decides who is told, as for a read. user_balances itself is not published: its
-- row also changes with every hold, several times an answer.

do $$
declare
  published text;
begin
  -- Of schema billing nothing is published. (The rollback knows our migrations by that name.)
  -- Elsewhere, and where Realtime is off, the client polls.
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    return;
  end if;
  foreach published in array array['usage_records', 'balance_transactions'] loop
    begin
      -- One of all tables, or of this schema, has it already.
      if not exists (
        select from pg_catalog.pg_publication_tables t
        where t.pubname = 'supabase_realtime'
          and t.schemaname = 'public' and t.tablename = published
      ) then
        execute pg_catalog.format('alter publication supabase_realtime add table public.%I', published);
      end if;
    -- It may be somebody else's. The balance can be polled: no reason to stop a migration.
    exception when others then
      raise notice 'Realtime does not publish %: %', published, sqlerrm;
    end;
  end loop;
end
$$;
