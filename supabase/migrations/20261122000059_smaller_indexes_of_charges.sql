-- Smaller indexes of the charges (docs/adr/0016): of two that had a long entry for every charge, each
-- now has one for many, which share its key. Readers name the key beside what they look for.

-- A user's charges by day, which is what lists, sums and the day's limit ask for.
drop index public.usage_records_user_idx;
create index usage_records_user_day_idx
  on public.usage_records (user_id, ((created_at at time zone 'UTC')::date));

-- A user's chats by 4 bytes of their names.
drop index public.usage_records_chat_idx;
create index usage_records_chat_hash_idx
  on public.usage_records (user_id, hashtext(chat_id)) where chat_id is not null;

create or replace function billing.usage_list(
  p_user_id uuid,
  p_from timestamptz,
  p_to timestamptz,
  p_model text,
  p_chat_id text,
  p_limit integer,
  p_before text
) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  with start as materialized (select * from billing.position_of(p_before)),
  page as (
    select u.*, k.key
    from public.usage_records u
    cross join lateral (
      select (u.request_id || '-' || u.sequence) collate "C" as key
    ) k
    where u.user_id = p_user_id
      and u.created_at <= (select at from start)
      and (u.created_at < (select at from start) or k.key < (select key from start))
      and u.created_at >= coalesce(p_from, '-infinity')
      and u.created_at < coalesce(p_to, 'infinity')
      -- The same by days, which are what the index has.
      and (u.created_at at time zone 'UTC')::date
        <= (select (least(s.at, p_to) at time zone 'UTC')::date from start s)
      and (u.created_at at time zone 'UTC')::date
        >= (coalesce(p_from, '-infinity') at time zone 'UTC')::date
      and (p_model is null or p_model in (u.provider_id || ':' || u.model_id, u.model_id))
      and (p_chat_id is null or u.chat_id = p_chat_id)
    -- Day by day, so that a page reads the days that are on it and no more.
    order by (u.created_at at time zone 'UTC')::date desc, u.created_at desc, k.key desc
    limit least(greatest(p_limit, 1), 1000) + 1
  ),
  shown as (
    select * from page order by created_at desc, key desc limit least(greatest(p_limit, 1), 1000)
  )
  select jsonb_build_object(
    'records', coalesce((
      select jsonb_agg(
        jsonb_build_object(
          'request_id', s.request_id,
          'kind', case s.sequence when 0 then 'charge' else 'correction' end,
          'chat_id', s.chat_id,
          'provider', s.provider_id,
          'model', s.provider_id || ':' || s.model_id,
          'tokens', billing.tokens_as_json(
            s.input_tokens, s.cache_read_tokens, s.cache_write_5m_tokens, s.cache_write_1h_tokens,
            s.output_tokens
          ),
          'cost', billing.usd(s.cost),
          'collected', billing.usd(s.collected),
          'uncollected', billing.usd(s.uncollected),
          'basis', s.basis,
          'created_at', s.created_at
        )
        order by s.created_at desc, s.key desc
      )
      from shown s
    ), '[]'),
    'next_before', case
      when (select count(*) from page) > (select count(*) from shown)
        then (
          select billing.cursor_of(s.created_at, s.key) from shown s
          order by s.created_at, s.key limit 1
        )
    end
  )
  -- From here, so that a cursor is read, and a bad one refused, where there is no row either.
  from start;
$$;

-- By model, a request counts under the one that answered: where a charge was made at a checkpoint, its
-- correction knows which one that was.
create or replace function billing.usage_summary(
  p_user_id uuid,
  p_by text,
  p_from timestamptz,
  p_to timestamptz
) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  with rows as (
    select
      case p_by
        when 'day' then to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD')
        else coalesce(c.provider_id || ':' || c.model_id, u.provider_id || ':' || u.model_id)
      end as key,
      u.*
    from public.usage_records u
    left join public.usage_records c
      on c.request_id = u.request_id and c.sequence = 1 and u.sequence = 0
    where u.user_id = p_user_id
      and u.created_at >= coalesce(p_from, '-infinity')
      and u.created_at < coalesce(p_to, 'infinity')
      -- The same by days, which are what the index has.
      and (u.created_at at time zone 'UTC')::date between
        (coalesce(p_from, '-infinity') at time zone 'UTC')::date
        and (coalesce(p_to, 'infinity') at time zone 'UTC')::date
  ),
  sums as (
    select
      r.key,
      grouping(r.key) as is_total,
      count(*) filter (where r.sequence = 0) as requests,
      billing.tokens_as_json(
        sum(r.input_tokens), sum(r.cache_read_tokens), sum(r.cache_write_5m_tokens),
        sum(r.cache_write_1h_tokens), sum(r.output_tokens)
      ) as tokens,
      billing.usd(coalesce(sum(r.cost), 0)) as cost
    from rows r
    group by grouping sets ((r.key), ())
  )
  select jsonb_build_object(
    'by', p_by,
    'groups', coalesce(jsonb_agg(
      jsonb_build_object('key', s.key, 'requests', s.requests, 'tokens', s.tokens, 'cost', s.cost)
      order by s.key
    ) filter (where s.is_total = 0), '[]'),
    'total', (jsonb_agg(
      jsonb_build_object('requests', s.requests, 'tokens', s.tokens, 'cost', s.cost)
    ) filter (where s.is_total = 1)) -> 0
  )
  from sums s;
$$;

create or replace function billing.chat_cost(p_user_id uuid, p_chat_id text) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'chat_id', p_chat_id,
    'cost', billing.usd(coalesce(sum(u.cost), 0)),
    'requests', count(*) filter (where u.sequence = 0),
    'tokens', billing.tokens_as_json(
      sum(u.input_tokens), sum(u.cache_read_tokens), sum(u.cache_write_5m_tokens),
      sum(u.cache_write_1h_tokens), sum(u.output_tokens)
    ),
    'messages', coalesce(jsonb_agg(
      jsonb_build_object(
        'request_id', u.request_id,
        'model', u.provider_id || ':' || u.model_id,
        'cost', billing.usd(u.cost),
        'tokens', billing.tokens_as_json(
          u.input_tokens, u.cache_read_tokens, u.cache_write_5m_tokens, u.cache_write_1h_tokens,
          u.output_tokens
        ),
        'basis', u.basis,
        'created_at', u.created_at
      )
      order by u.created_at
    ), '[]')
  )
  from public.usage_records u
  where u.user_id = p_user_id and u.chat_id = p_chat_id
    -- What the index has.
    and hashtext(u.chat_id) = hashtext(p_chat_id);
$$;

-- What a user, or for null all guests together, spent since midnight UTC, and may still spend by
-- what is running. At cost: what could not be collected was spent as well, and a refund does not
-- give the day back. One statement, so that a charge is seen on one side only; the account is locked
-- meanwhile, so nothing is called for each charge.
create or replace function billing.spent_today(p_user_id uuid) returns numeric
language plpgsql
stable
set search_path = ''
as $$
declare
  midnight constant timestamptz := date_trunc('day', now(), 'UTC');
  today constant date := (midnight at time zone 'UTC')::date;
  spent numeric;
begin
  if p_user_id is null then
    select
      coalesce((
        select sum(
          case when u.sequence = 0 then u.cost else billing.cost_in_day(u, midnight) end
        )
        from public.usage_records u
        where u.user_id is null
          and u.created_at >= midnight and (u.created_at at time zone 'UTC')::date >= today
      ), 0) + coalesce((
        select sum(r.ceiling) from billing.reservations r
        where r.user_id is null and r.state = 'open'
      ), 0)
    into spent;
  else
    select
      coalesce((
        select sum(
          case when u.sequence = 0 then u.cost else billing.cost_in_day(u, midnight) end
        )
        from public.usage_records u
        where u.user_id = p_user_id
          and u.created_at >= midnight and (u.created_at at time zone 'UTC')::date >= today
      ), 0) + coalesce((
        select sum(r.ceiling) from billing.reservations r
        where r.user_id = p_user_id and r.state = 'open'
      ), 0)
    into spent;
  end if;
  return greatest(spent, 0);
end
$$;

revoke all on function billing.spent_today(uuid) from public;
select billing.only_for_service_role(array['usage_list', 'usage_summary', 'chat_cost']);
