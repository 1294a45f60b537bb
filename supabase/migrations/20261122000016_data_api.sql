-- The Data API: thin wrappers in public, executable by service_role alone. Schema billing is not
-- exposed, and its functions are reached only from here.

create function public.reserve(
  p_request_id uuid,
  p_user_id uuid,
  p_guest_token_id text,
  p_guest_address_hash text,
  p_guest_limit integer,
  p_provider_id text,
  p_model_id text,
  p_input_tokens_max integer,
  p_output_tokens_max integer,
  p_chat_id text,
  p_idempotency_key text,
  p_request_hash text,
  p_enforcement text default 'enforce',
  p_can_extend boolean default true
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.reserve(
    p_request_id, p_user_id, p_guest_token_id, p_guest_address_hash, p_guest_limit,
    p_provider_id, p_model_id, p_input_tokens_max, p_output_tokens_max, p_chat_id,
    p_idempotency_key, p_request_hash, p_enforcement, p_can_extend
  );
$$;

create function public.extend(
  p_request_id uuid,
  p_output_tokens_total integer,
  p_input_tokens integer,
  p_output_tokens integer
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.extend(p_request_id, p_output_tokens_total, p_input_tokens, p_output_tokens);
$$;

create function public.settle(
  p_request_id uuid,
  p_input_tokens integer,
  p_cache_read_tokens integer,
  p_cache_write_5m_tokens integer,
  p_cache_write_1h_tokens integer,
  p_output_tokens integer,
  p_basis text,
  p_provider_request_id text default null,
  p_finish text default null,
  p_first_token_ms integer default null,
  p_duration_ms integer default null
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.settle(
    p_request_id, p_input_tokens, p_cache_read_tokens, p_cache_write_5m_tokens,
    p_cache_write_1h_tokens, p_output_tokens, p_basis, p_provider_request_id, p_finish,
    p_first_token_ms, p_duration_ms
  );
$$;

create function public.release(
  p_request_id uuid,
  p_reason text
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.release(p_request_id, p_reason);
$$;

create function public.expire(p_limit integer default 100) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.expire(p_limit);
$$;

create function public.refund(
  p_request_id uuid,
  p_amount text,
  p_key text,
  p_reason text
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.refund(p_request_id, p_amount, p_key, p_reason);
$$;

create function public.grant_credit(
  p_user_id uuid,
  p_amount text,
  p_kind text,
  p_key text,
  p_note text default null
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.grant_credit(p_user_id, p_amount, p_kind, p_key, p_note);
$$;

create function public.welcome(p_user_id uuid) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.welcome(p_user_id);
$$;

create function public.decide_sign_up(
  p_user_id uuid,
  p_email text,
  p_address_hash text,
  p_is_anonymous boolean
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.decide_sign_up(p_user_id, p_email, p_address_hash, p_is_anonymous);
$$;

create function public.account_balance(p_user_id uuid) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.account_balance(p_user_id);
$$;

create function public.guest_status(
  p_guest_token_id text,
  p_guest_address_hash text,
  p_guest_limit integer
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.guest_status(p_guest_token_id, p_guest_address_hash, p_guest_limit);
$$;

create function public.usage_list(
  p_user_id uuid,
  p_from timestamptz default null,
  p_to timestamptz default null,
  p_model text default null,
  p_chat_id text default null,
  p_limit integer default 50,
  p_before text default null
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.usage_list(p_user_id, p_from, p_to, p_model, p_chat_id, p_limit, p_before);
$$;

create function public.usage_summary(
  p_user_id uuid,
  p_by text,
  p_from timestamptz default null,
  p_to timestamptz default null
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.usage_summary(p_user_id, p_by, p_from, p_to);
$$;

create function public.chat_cost(
  p_user_id uuid,
  p_chat_id text
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.chat_cost(p_user_id, p_chat_id);
$$;

create function public.receipt(
  p_user_id uuid,
  p_request_id uuid
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.receipt(p_user_id, p_request_id);
$$;

create function public.transactions_list(
  p_user_id uuid,
  p_limit integer default 50,
  p_before text default null
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.transactions_list(p_user_id, p_limit, p_before);
$$;

create function public.pricing_catalogue() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.pricing_catalogue();
$$;

create function public.reconcile() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.reconcile();
$$;

create function public.health_check() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.health_check();
$$;

create function public.health_details() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.health_details();
$$;

create function public.record_incident(
  p_kind text,
  p_user_id uuid,
  p_request_id uuid,
  p_details jsonb
) returns void
language sql
volatile
set search_path = ''
as $$
  select billing.record_incident(p_kind, p_user_id, p_request_id, p_details);
$$;

-- Functions are executable by everybody unless that is taken away, so it is taken away from
-- all of them, and given back name by name.
revoke all on all functions in schema billing from public, anon, authenticated, service_role;
revoke all on all tables in schema billing from public, anon, authenticated, service_role;
revoke all on all sequences in schema billing from public, anon, authenticated, service_role;
grant usage on schema billing to service_role;

do $$
declare
  name text;
  signature regprocedure;
begin
  foreach name in array array[
    'reserve', 'extend', 'settle', 'release', 'expire', 'refund', 'grant_credit', 'welcome',
    'decide_sign_up', 'account_balance', 'guest_status', 'usage_list', 'usage_summary',
    'chat_cost', 'receipt', 'transactions_list', 'pricing_catalogue', 'reconcile',
    'health_check', 'health_details', 'record_incident'
  ] loop
    for signature in
      select p.oid::regprocedure
      from pg_catalog.pg_proc p
      where p.proname = name
        and p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
    loop
      execute format('revoke all on function %s from public, anon, authenticated', signature);
      execute format('grant execute on function %s to service_role', signature);
    end loop;
  end loop;
end
$$;
