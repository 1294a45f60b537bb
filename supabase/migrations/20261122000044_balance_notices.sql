-- A user hears that the balance is low: a row that an app can subscribe to (Realtime) or read, and an
-- event that pricing-health delivers to a webhook.

create table public.balance_notices (
  id bigint generated always as identity primary key,
  -- Without a foreign key, as in user_balances: that check could fail a charge.
  user_id uuid not null,
  kind text not null,
  balance numeric(20,10) not null,
  -- What the balance fell below: the setting low_balance_threshold or, for `empty`, minimum_balance.
  threshold numeric(20,10) not null,
  created_at timestamptz not null default clock_timestamp(),
  claimed_until timestamptz,
  -- To the webhook; null where there is none.
  delivered_at timestamptz,
  constraint kind_is_known check (kind in ('low_balance', 'empty'))
);
comment on table public.balance_notices is
  'One row each time a balance falls below the threshold. A balance that rises above it can fall again.';

create index balance_notices_user_idx on public.balance_notices (user_id, created_at desc);
create index balance_notices_undelivered_idx
  on public.balance_notices (id) where delivered_at is null;

alter table public.balance_notices enable row level security;
revoke all on public.balance_notices from public, anon, authenticated, service_role;
revoke all on sequence public.balance_notices_id_seq from public, anon, authenticated, service_role;
grant select on public.balance_notices to authenticated, service_role;
create policy "users read their own notices" on public.balance_notices
  for select to authenticated using ((select auth.uid()) = user_id);

-- Looks at a balance that went down. It must never be what a charge fails by, so that a fault here is
-- a warning in the log and no more.
create function billing.note_low_balance() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  low numeric;
  minimum numeric;
begin
  select s.low_balance_threshold, s.minimum_balance into low, minimum from billing.settings s;
  -- Null says that nobody wants to hear of it.
  if low is null or not (
    (old.balance >= low and new.balance < low)
    or (old.balance >= minimum and new.balance < minimum)
  ) then
    return null;
  end if;
  begin
    -- One notice for one fall: the graver. None for the doctor's own users, who spend all that they
    -- have; the domain is one that no person has.
    insert into public.balance_notices (user_id, kind, balance, threshold)
    select
      new.user_id,
      case when new.balance < minimum then 'empty' else 'low_balance' end,
      new.balance,
      case when new.balance < minimum then minimum else low end
    where not exists (
      select from auth.users u
      where u.id = new.user_id and u.email ~ '^doctor-[0-9a-f-]{36}@example\.com$'
    );
  exception when others then
    raise warning 'Farebox could not note a low balance: %', sqlerrm;
  end;
  begin
    -- And forgets old ones, a few at a time, waiting for nobody.
    delete from public.balance_notices n
    where n.id in (
      select o.id from public.balance_notices o
      where o.created_at < now() - (
        select make_interval(days => s.incident_retention_days) from billing.settings s
      )
      order by o.id
      limit 10
      for update skip locked
    );
  exception when others then
    raise warning 'Farebox could not forget old notices: %', sqlerrm;
  end;
  return null;
end
$$;

-- Reserving does not touch the balance, so this is asked once a charge.
create trigger farebox_note_low_balance
  after update of balance on public.user_balances
  for each row
  when (new.balance < old.balance)
  execute function billing.note_low_balance();

-- Takes up to p_limit notices that no webhook was told of, for less than a minute. Those of more
-- than a day ago are too old to be news.
create function billing.claim_notices(p_limit integer) returns jsonb
language sql
security definer
set search_path = ''
as $$
  with claimed as (
    update public.balance_notices n
    set claimed_until = clock_timestamp() + interval '50 seconds'
    where n.id in (
      select o.id from public.balance_notices o
      where o.delivered_at is null
        and o.created_at > now() - interval '1 day'
        and (o.claimed_until is null or o.claimed_until <= clock_timestamp())
      order by o.id
      limit least(greatest(p_limit, 0), 1000)
      for update skip locked
    )
    returning n.*
  )
  select coalesce(jsonb_agg(
    jsonb_build_object(
      'id', c.id::text,
      'user_id', c.user_id,
      'kind', c.kind,
      'balance', billing.usd(c.balance),
      'threshold', billing.usd(c.threshold),
      'created_at', c.created_at
    )
    order by c.id
  ), '[]')
  from claimed c;
$$;

create function billing.notices_delivered(p_ids bigint[]) returns integer
language sql
security definer
set search_path = ''
as $$
  with told as (
    update public.balance_notices n
    set delivered_at = clock_timestamp(), claimed_until = null
    where n.id = any (p_ids)
    returning n.id
  )
  select count(*)::integer from told;
$$;

create function public.claim_notices(p_limit integer default 25) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.claim_notices(p_limit);
$$;

create function public.notices_delivered(p_ids bigint[]) returns integer
language sql
volatile
set search_path = ''
as $$
  select billing.notices_delivered(p_ids);
$$;

revoke all on function billing.note_low_balance() from public;
select billing.only_for_service_role(array['claim_notices', 'notices_delivered']);

-- Supabase Realtime publishes the tables of this publication, each row to whom row security shows it.
do $$
begin
  -- One of all tables, or of this schema, has it already.
  if exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime')
    and not exists (
      select from pg_catalog.pg_publication_tables t
      where t.pubname = 'supabase_realtime'
        and t.schemaname = 'public' and t.tablename = 'balance_notices'
    )
  then
    alter publication supabase_realtime add table public.balance_notices;
  end if;
-- It may be somebody else's. Notices can be read without it: no reason to stop a migration.
exception when others then
  raise notice 'Realtime does not publish balance_notices: %', sqlerrm;
end
$$;
