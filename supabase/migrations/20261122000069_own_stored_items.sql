-- An answer of the Responses API, and each item of it, lies at the provider in the operator's account,
-- which all users share; a later request goes on from it by naming its id. What was answered to a user
-- is remembered, so that nobody goes on from what is another's (docs/adr/0018).

alter table billing.settings
  add column own_stored_items_only boolean not null default true;

create table billing.stored_items (
  -- Half of a SHA-256 over the user and the id: neither can be read from it.
  mark uuid primary key,
  stored_on date not null default (now() at time zone 'UTC')::date
);
comment on table billing.stored_items is
  'Which user was given which answer or item that lies at a provider, as digests; for 32 days.';

create index stored_items_stored_on_idx on billing.stored_items (stored_on);

alter table billing.stored_items enable row level security;
create policy "no client reads the stored items" on billing.stored_items
  for all to anon, authenticated using (false);
revoke all on billing.stored_items from public, anon, authenticated, service_role;

create function billing.mark_of_item(p_user_id uuid, p_id text) returns uuid
language sql
stable
set search_path = ''
as $$
  select left(encode(sha256(convert_to(p_user_id || ' ' || p_id, 'UTF8')), 'hex'), 32)::uuid;
$$;

-- What was answered in the last 32 days, as far as it is known: the answers, not their items.
insert into billing.stored_items (mark, stored_on)
select
  billing.mark_of_item(u.user_id, u.provider_request_id),
  max((u.created_at at time zone 'UTC')::date)
from public.usage_records u
where u.created_at > now() - interval '32 days'
  and u.user_id is not null
  and u.provider_request_id like 'resp\_%'
group by u.user_id, u.provider_request_id;

-- Remembers that these lie at a provider for this user. To say it again makes it 32 days from then.
create function billing.remember_stored_items(p_user_id uuid, p_ids text[]) returns void
language sql
security definer
set search_path = ''
as $$
  insert into billing.stored_items as s (mark)
  select distinct billing.mark_of_item(p_user_id, i.id) as mark
  from unnest(p_ids) i (id)
  -- In one order, so that two who remember the same wait for each other and not in a circle.
  order by mark
  on conflict (mark) do update set stored_on = excluded.stored_on
    where s.stored_on < excluded.stored_on;
$$;

-- Those of the ids that were not given to this user, as a list.
create function billing.foreign_stored_items(p_user_id uuid, p_ids text[]) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(i.id), '[]')
  from (select distinct u.id from unnest(p_ids) u (id)) i
  where not exists (
    select from billing.stored_items s where s.mark = billing.mark_of_item(p_user_id, i.id)
  );
$$;

-- Providers keep an answer for 30 days.
create function billing.prune_stored_items(p_limit integer) returns void
language sql
set search_path = ''
as $$
  delete from billing.stored_items
  where mark in (
    select s.mark
    from billing.stored_items s
    where s.stored_on < (now() at time zone 'UTC')::date - 32
    limit p_limit
  );
$$;

create or replace function billing.prune_all(p_limit integer) returns void
language sql
set search_path = ''
as $$
  delete from billing.reservations
  where request_id in (
    select r.request_id
    from billing.reservations r, billing.settings s
    where r.state <> 'open'
      and r.closed_at < now() - make_interval(hours => s.reservation_retention_hours)
    limit p_limit
  );
  delete from billing.guest_exchanges
  where holder in (
    select g.holder
    from billing.guest_exchanges g, billing.settings s
    where g.pending = 0
      and g.updated_at < now() - make_interval(hours => 2 * s.guest_window_hours)
    limit p_limit
    for no key update of g skip locked
  );
  delete from billing.incidents
  where id in (
    select i.id
    from billing.incidents i, billing.settings s
    where i.created_at < now() - make_interval(days => s.incident_retention_days)
    order by i.id
    limit p_limit
  );
  select billing.prune_exchanges(p_limit);
  select billing.prune_stored_items(p_limit);
$$;

create or replace function billing.function_settings() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'cors_allowed_origins', s.cors_allowed_origins,
    'save_chat_history', s.save_chat_history,
    'own_stored_items_only', s.own_stored_items_only,
    'early_starts', billing.early_starts(s)
  )
  from billing.settings s;
$$;

create function public.remember_stored_items(p_user_id uuid, p_ids text[]) returns void
language sql
volatile
set search_path = ''
as $$
  select billing.remember_stored_items(p_user_id, p_ids);
$$;

create function public.foreign_stored_items(p_user_id uuid, p_ids text[]) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.foreign_stored_items(p_user_id, p_ids);
$$;

revoke all on function billing.mark_of_item(uuid, text) from public;
revoke all on function billing.prune_stored_items(integer) from public;
select billing.only_for_service_role(
  array['remember_stored_items', 'foreign_stored_items', 'function_settings']
);
