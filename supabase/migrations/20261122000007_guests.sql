-- Free exchanges. A guest has no account: what is held is a place among the free exchanges, under
-- the signed token and under the address, and only an answered exchange uses it up.

create function billing.guest_holders(p_token_id text, p_address_hash text) returns text[]
language sql
immutable
set search_path = ''
as $$
  select array['token:' || p_token_id, 'address:' || p_address_hash];
$$;

-- Locks a guest's two rows, in sorted order, as everything does that locks several.
create function billing.lock_guest(p_holders text[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into billing.guest_exchanges (holder)
  select h from unnest(p_holders) h order by h
  on conflict (holder) do nothing;
  perform from billing.guest_exchanges g
  where g.holder = any (p_holders)
  order by g.holder
  for no key update;
end
$$;

-- Takes a place, or refuses. The window runs from the first answered exchange.
create function billing.take_guest_place(
  p_token_id text,
  p_address_hash text,
  p_limit integer
) returns integer
language plpgsql
set search_path = ''
as $$
declare
  holders constant text[] := billing.guest_holders(p_token_id, p_address_hash);
  window_length constant interval := (
    select make_interval(hours => s.guest_window_hours) from billing.settings s
  );
  used integer;
  started timestamptz;
begin
  perform billing.lock_guest(holders);
  update billing.guest_exchanges
  set answered = 0, window_started_at = null
  where holder = any (holders) and window_started_at + window_length <= now();

  select max(g.answered + g.pending), max(g.window_started_at) into used, started
  from billing.guest_exchanges g where g.holder = any (holders);
  if used >= p_limit then
    perform billing.refuse(
      429, 'FREE_LIMIT_REACHED',
      case p_limit
        when 0 then 'There are no free exchanges here.'
        else format('All %s free exchanges are used.', p_limit)
      end,
      'Sign up to go on.',
      jsonb_build_object('limit', p_limit, 'window_ends_at', started + window_length)
    );
  end if;
  update billing.guest_exchanges
  set pending = pending + 1, updated_at = now()
  where holder = any (holders);
  return p_limit - used - 1;
end
$$;

-- Gives the place back (nothing was answered) or uses it up. The rows are locked by the caller.
create function billing.close_guest_place(
  p_token_id text,
  p_address_hash text,
  p_was_pending boolean,
  p_answered boolean
) returns void
language sql
set search_path = ''
as $$
  update billing.guest_exchanges
  set
    pending = case when p_was_pending then greatest(pending - 1, 0) else pending end,
    answered = answered + p_answered::integer,
    window_started_at = case
      when p_answered then coalesce(window_started_at, now())
      else window_started_at
    end,
    updated_at = now()
  where holder = any (billing.guest_holders(p_token_id, p_address_hash));
$$;

-- What a guest has left, without taking a place.
create function billing.guest_status(
  p_guest_token_id text,
  p_guest_address_hash text,
  p_guest_limit integer
) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'limit', p_guest_limit,
    'left', greatest(p_guest_limit - coalesce(max(used), 0), 0),
    'window_ends_at', max(ends_at)
  )
  from (
    select
      g.pending + case when ends.at > now() or ends.at is null then g.answered else 0 end as used,
      case when ends.at > now() then ends.at end as ends_at
    from billing.guest_exchanges g
    cross join billing.settings s
    cross join lateral (
      select g.window_started_at + make_interval(hours => s.guest_window_hours) as at
    ) ends
    where g.holder = any (array[
      'token:' || p_guest_token_id,
      'address:' || p_guest_address_hash
    ])
  ) holders;
$$;
