-- How an operator's tool reads prices, the doors to it, and who may pass: service_role alone.

-- Every current price, with what only its operator asks for.
create function billing.price_list() returns jsonb
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
      'source', m.source
    )
    order by m.provider_id, m.model_id
  ), '[]')
  from public.model_pricing m;
$$;

-- Every version of a model's price, newest first; an empty list where it never had one.
create function billing.price_history(p_provider_id text, p_model_id text) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(
    billing.price_as_json(h.price_version) || jsonb_build_object(
      'price_version', h.price_version,
      'source', h.source,
      'effective_from', h.effective_from,
      'effective_to', h.effective_to
    )
    order by h.price_version desc
  ), '[]')
  from billing.model_pricing_history h
  where h.provider_id = p_provider_id and h.model_id = p_model_id;
$$;

create function public.set_prices(p_prices jsonb) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.set_prices(p_prices);
$$;

create function public.price_list() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.price_list();
$$;

create function public.price_history(p_provider_id text, p_model_id text) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.price_history(p_provider_id, p_model_id);
$$;

do $$
declare
  signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.proname in ('check_price', 'set_price', 'set_prices', 'price_list', 'price_history')
      and p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', signature);
    if signature::text !~ '^billing\.(check_price|set_price)\(' then
      execute format('grant execute on function %s to service_role', signature);
    end if;
  end loop;
end
$$;
