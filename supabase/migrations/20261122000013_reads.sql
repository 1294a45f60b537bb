-- What users and operators read, with every amount as an exact decimal string.

create function billing.account_balance(p_user_id uuid) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  account public.user_balances;
begin
  select * into account from public.user_balances b where b.user_id = p_user_id;
  if not found or account.welcomed_at is null then
    account := billing.lock_account(p_user_id);
  end if;
  return jsonb_build_object(
    'balance', billing.usd(account.balance),
    'reserved', billing.usd(account.reserved),
    'available', billing.usd(account.balance - account.reserved),
    'currency', account.currency
  );
end
$$;

create function billing.pricing_catalogue() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(
    billing.price_as_json(m.price_version) || jsonb_build_object(
      'display_name', m.display_name,
      'price_version', m.price_version,
      'updated_at', m.updated_at,
      'markup_basis_points', (select s.markup_basis_points from billing.settings s)
    )
    order by m.provider_id, m.model_id
  ), '[]')
  from public.model_pricing m;
$$;

-- A position in a list, newest first: what is before it is older, or as old and of a lower key. The
-- key breaks ties, or a page that ends between two rows of one microsecond would lose the second.
create function billing.position_of(
  p_cursor text,
  out at timestamptz,
  out key text
)
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_cursor is null then
    at := 'infinity';
    key := '';
    return;
  end if;
  if p_cursor !~ '^[0-9]{1,18}\.[0-9a-f-]{1,60}$' then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('%L is not a cursor.', left(p_cursor, 40)),
      'Send the next_before of the previous page, or leave it out.'
    );
  end if;
  at := timestamptz 'epoch' + split_part(p_cursor, '.', 1)::bigint * interval '1 microsecond';
  key := split_part(p_cursor, '.', 2);
end
$$;

create function billing.cursor_of(p_time timestamptz, p_key text) returns text
language sql
stable
set search_path = ''
as $$
  select (extract(epoch from p_time) * 1000000)::bigint || '.' || p_key;
$$;

create function billing.usage_list(
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
      and (p_model is null or p_model in (u.provider_id || ':' || u.model_id, u.model_id))
      and (p_chat_id is null or u.chat_id = p_chat_id)
    order by u.created_at desc, k.key desc
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

create function billing.usage_summary(
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
        else u.provider_id || ':' || u.model_id
      end as key,
      u.*
    from public.usage_records u
    where u.user_id = p_user_id
      and u.created_at >= coalesce(p_from, '-infinity')
      and u.created_at < coalesce(p_to, 'infinity')
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

create function billing.chat_cost(p_user_id uuid, p_chat_id text) returns jsonb
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
  where u.user_id = p_user_id and u.chat_id = p_chat_id;
$$;

create function billing.transactions_list(p_user_id uuid, p_limit integer, p_before text)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  with start as materialized (select * from billing.position_of(p_before)),
  page as (
    select t.*, k.key
    from public.balance_transactions t
    cross join lateral (select lpad(t.id::text, 19, '0') collate "C" as key) k
    where t.user_id = p_user_id
      and t.created_at <= (select at from start)
      and (t.created_at < (select at from start) or k.key < (select key from start))
    order by t.created_at desc, k.key desc
    limit least(greatest(p_limit, 1), 1000) + 1
  ),
  shown as (
    select * from page order by created_at desc, key desc limit least(greatest(p_limit, 1), 1000)
  )
  select jsonb_build_object(
    'transactions', coalesce((
      select jsonb_agg(
        jsonb_build_object(
          'id', s.id,
          'kind', s.kind,
          'amount', billing.usd(s.amount),
          'note', s.note,
          'request_id', s.request_id,
          'balance_after', billing.usd(s.balance_after),
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
