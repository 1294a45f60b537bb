-- What an operator asks: who used what, what room it takes, and what one account has.

-- Charges by user, model or day (UTC), of p_from on and before p_to. A user who is nobody is all guests
-- together, whose cost the house bears. Refunded is what was given back of these charges, whenever that
-- was. Tokens and requests as in usage_summary.
create function billing.usage_report(p_by text, p_from timestamptz, p_to timestamptz) returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  answer jsonb;
begin
  if p_by is null or p_by not in ('user', 'model', 'day') then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('Usage is not reported by %L.', p_by), 'Use user, model or day.'
    );
  end if;
  with refunds as (
    select t.request_id, sum(t.amount) as amount from public.balance_transactions t
    where t.request_id is not null
    group by t.request_id
  ),
  rows as (
    select
      case p_by
        when 'user' then coalesce(u.user_id::text, 'guests')
        when 'day' then to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD')
        else coalesce(c.provider_id || ':' || c.model_id, u.provider_id || ':' || u.model_id)
      end as key,
      r.amount as refunded,
      u.*
    from public.usage_records u
    left join public.usage_records c
      on p_by = 'model' and c.request_id = u.request_id and c.sequence = 1 and u.sequence = 0
    left join refunds r on r.request_id = u.request_id and u.sequence = 0
    where u.created_at >= coalesce(p_from, '-infinity') and u.created_at < coalesce(p_to, 'infinity')
  ),
  sums as (
    select
      r.key,
      grouping(r.key) as is_total,
      jsonb_build_object(
        'requests', count(*) filter (where r.sequence = 0),
        'tokens', billing.tokens_as_json(
          sum(r.input_tokens), sum(r.cache_read_tokens), sum(r.cache_write_5m_tokens),
          sum(r.cache_write_1h_tokens), sum(r.output_tokens)
        ),
        'cost', billing.usd(coalesce(sum(r.cost), 0)),
        'collected', billing.usd(coalesce(sum(r.collected), 0)),
        'uncollected', billing.usd(coalesce(sum(r.uncollected), 0)),
        'refunded', billing.usd(coalesce(sum(r.refunded), 0))
      ) as figures
    from rows r
    group by grouping sets ((r.key), ())
  )
  select jsonb_build_object(
    'by', p_by,
    'from', p_from,
    'to', p_to,
    'groups', coalesce(jsonb_agg(
      jsonb_build_object('key', s.key) || s.figures order by s.key collate "C"
    ) filter (where s.is_total = 0), '[]'),
    'total', (jsonb_agg(s.figures) filter (where s.is_total = 1)) -> 0
  ) into answer
  from sums s;
  return answer;
end
$$;

-- What an account has, for who only wants to look: unlike account_balance it opens none, and welcomes
-- nobody. With p_key also the credit that was given on that key, whoever got it, or null: a key counts
-- once for everybody, so this is what the next credit on it would be compared with.
create function billing.account_peek(p_user_id uuid, p_key text) returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  account public.user_balances;
  prior jsonb;
begin
  select * into account from public.user_balances b where b.user_id = p_user_id;
  -- As lock_account: somebody who was deleted has an account still.
  if not found and not exists (select from auth.users u where u.id = p_user_id) then
    perform billing.refuse(
      404, 'USER_NOT_FOUND', format('There is no user %s.', coalesce(p_user_id::text, 'null')),
      'Use the id of a row in auth.users.'
    );
  end if;
  select jsonb_build_object(
    'user_id', t.user_id, 'kind', t.kind, 'amount', billing.usd(t.amount), 'request_id', t.request_id
  ) into prior
  from public.balance_transactions t where t.idempotency_key = p_key;
  return jsonb_build_object(
    'balance', billing.usd(coalesce(account.balance, 0)),
    'available', billing.usd(coalesce(account.balance - account.reserved, 0)),
    'is_welcomed', account.welcomed_at is not null,
    'prior', prior
  );
end
$$;

-- Rows and bytes of each table of Farebox, its indexes apart, and of the database.
create function billing.storage_facts() returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  place record;
  n bigint;
  tables jsonb := '[]';
begin
  for place in
    select c.oid, c.oid::regclass::text as name
    from pg_catalog.pg_class c
    where c.relkind = 'r'
      and (
        c.relnamespace = 'billing'::regnamespace
        or c.relnamespace = 'public'::regnamespace and c.relname in (
          'model_pricing', 'user_balances', 'balance_transactions', 'usage_records',
          'chat_exchanges', 'balance_notices'
        )
      )
    order by 2
  loop
    execute format('select count(*) from %s', place.oid::regclass) into n;
    tables := tables || jsonb_build_object(
      'table', place.name,
      'rows', n,
      -- With what is stored apart from its rows, as long texts are.
      'table_bytes', pg_catalog.pg_table_size(place.oid),
      'index_bytes', pg_catalog.pg_indexes_size(place.oid)
    );
  end loop;
  return jsonb_build_object(
    'tables', tables,
    'database_bytes', pg_catalog.pg_database_size(pg_catalog.current_database())
  );
end
$$;

create function public.account_peek(p_user_id uuid, p_key text default null) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.account_peek(p_user_id, p_key);
$$;

-- Each reads the whole ledger, for which the 8 s of the Data API may be too short: PostgREST takes a
-- function's own limit for the request.
create function public.usage_report(
  p_by text,
  p_from timestamptz default null,
  p_to timestamptz default null
) returns jsonb
language sql
stable
set search_path = ''
set statement_timeout = '60s'
as $$
  select billing.usage_report(p_by, p_from, p_to);
$$;

create function public.storage_facts() returns jsonb
language sql
stable
set search_path = ''
set statement_timeout = '60s'
as $$
  select billing.storage_facts();
$$;

select billing.only_for_service_role(array['account_peek', 'usage_report', 'storage_facts']);
