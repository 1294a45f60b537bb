-- Chat history: what users asked and were answered, where an operator wants it kept. It belongs to its
-- user, who may read and delete it; metering knows nothing of it.

create table public.chat_exchanges (
  request_id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  chat_id text,
  dialect text not null,
  -- Who answered, provider:model.
  model text not null,
  -- The body as the client sent it; null above 4 MiB.
  request jsonb,
  -- What of the answer a person reads.
  answer text not null,
  -- The bytes as the client got them, to be given again to a retry of the same request. Null where the
  -- answer was cut, and above 4 MiB.
  response bytea,
  response_type text,
  created_at timestamptz not null default clock_timestamp(),
  constraint exchange_chat_id_is_short check (length(chat_id) <= 128),
  constraint exchange_dialect_is_a_name check (dialect ~ '^[a-z][a-z0-9-]{1,62}$'),
  constraint exchange_model_is_short check (length(model) between 1 and 300),
  constraint exchange_response_has_a_type check ((response is null) = (response_type is null)),
  constraint exchange_response_is_bounded check (octet_length(response) <= 4194304)
);
comment on table public.chat_exchanges is
  'Questions and answers of users, only where save_chat_history is on. Readable and deletable by their owner; no money depends on it.';

create index chat_exchanges_user_idx on public.chat_exchanges (user_id, created_at desc);
create index chat_exchanges_created_idx on public.chat_exchanges (created_at);

alter table public.chat_exchanges enable row level security;
create policy "users see their own exchanges" on public.chat_exchanges
  for select to authenticated using ((select auth.uid()) = user_id);
create policy "users delete their own exchanges" on public.chat_exchanges
  for delete to authenticated using ((select auth.uid()) = user_id);
revoke all on public.chat_exchanges from public, anon, authenticated, service_role;
grant select, delete on public.chat_exchanges to authenticated;
grant select on public.chat_exchanges to service_role;

-- p_response: the bytes in base64. Saving again changes nothing; an account that was deleted meanwhile
-- gets no row.
create function billing.save_exchange(
  p_request_id uuid,
  p_user_id uuid,
  p_chat_id text,
  p_dialect text,
  p_model text,
  p_request jsonb,
  p_answer text,
  p_response text,
  p_response_type text
) returns void
language sql
security definer
set search_path = ''
as $$
  insert into public.chat_exchanges (
    request_id, user_id, chat_id, dialect, model, request, answer, response, response_type
  )
  select
    p_request_id, u.id, p_chat_id, p_dialect, p_model, p_request, p_answer,
    decode(p_response, 'base64'), p_response_type
  from auth.users u
  where u.id = p_user_id
  on conflict (request_id) do nothing;
$$;

-- What is known of a request of this user that has ended: its stored answer and its receipt, each null
-- where there is none, and for how long it has been over.
create function billing.ended_request(p_user_id uuid, p_request_id uuid) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'exchange', (
      select jsonb_build_object(
        'model', e.model,
        'response', encode(e.response, 'base64'),
        'response_type', e.response_type
      )
      from public.chat_exchanges e
      where e.request_id = p_request_id and e.user_id = p_user_id
    ),
    'receipt', billing.receipt(p_user_id, p_request_id),
    'ended_ms_ago', (
      select (extract(epoch from clock_timestamp() - r.closed_at) * 1000)::bigint
      from billing.reservations r
      where r.request_id = p_request_id and r.user_id = p_user_id
    )
  );
$$;

-- Forgets exchanges past chat_history_days; none where that is not set.
create function billing.prune_exchanges(p_limit integer) returns void
language sql
set search_path = ''
as $$
  delete from public.chat_exchanges
  where request_id in (
    select e.request_id
    from public.chat_exchanges e, billing.settings s
    where e.created_at < now() - make_interval(days => s.chat_history_days)
    order by e.created_at
    limit p_limit
  );
$$;

create function public.save_exchange(
  p_request_id uuid,
  p_user_id uuid,
  p_chat_id text,
  p_dialect text,
  p_model text,
  p_request jsonb,
  p_answer text,
  p_response text,
  p_response_type text
) returns void
language sql
volatile
set search_path = ''
as $$
  select billing.save_exchange(
    p_request_id, p_user_id, p_chat_id, p_dialect, p_model, p_request, p_answer, p_response,
    p_response_type
  );
$$;

create function public.ended_request(p_user_id uuid, p_request_id uuid) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.ended_request(p_user_id, p_request_id);
$$;

revoke all on function billing.prune_exchanges(integer) from public;
select billing.only_for_service_role(array['save_exchange', 'ended_request']);
