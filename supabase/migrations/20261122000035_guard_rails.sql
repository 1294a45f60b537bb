-- Guard rails: requests a minute and at the same time, a day's spending, and which models. Each is
-- asked about only where it is set. Whoever calls these holds the caller's rows.

-- The minute that a user's requests are counted in begins with the first of them. Both are written
-- with what is reserved, so that counting costs no write of its own.
alter table public.user_balances
  add column minute_started_at timestamptz,
  add column minute_requests integer not null default 0,
  add constraint minute_requests_is_not_negative check (minute_requests >= 0);

-- Whether a list has a model, `provider:model`: by its name, or by `provider:*`. No list has all.
create function billing.is_listed(p_list text[], p_model text) returns boolean
language sql
immutable
set search_path = ''
as $$
  select p_list is null or p_model = any (p_list)
    or split_part(p_model, ':', 1) || ':*' = any (p_list);
$$;

-- Refuses a model that the caller may not use, be it asked or only to fall back to.
create function billing.refuse_unlisted_models(
  p_hold billing.reservations,
  p_fallback_models text[],
  p_settings billing.settings
) returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  model text;
begin
  foreach model in array
    (p_hold.provider_id || ':' || p_hold.model_id) || coalesce(p_fallback_models, '{}')
  loop
    if not billing.is_listed(p_settings.allowed_models, model) then
      perform billing.refuse(
        403, 'MODEL_NOT_ALLOWED', format('%s is not among the models that can be used here.', model),
        'GET /v1/models lists those.', jsonb_build_object('model', model)
      );
    end if;
    if p_hold.user_id is null and not billing.is_listed(p_settings.guest_models, model) then
      perform billing.refuse(
        403, 'MODEL_NOT_ALLOWED', format('%s is not among the models that guests can use.', model),
        'Sign up to use it, or use one that GET /v1/models lists.',
        jsonb_build_object('model', model)
      );
    end if;
  end loop;
end
$$;

-- How a user stands in this minute, for the reader; null where nothing limits it.
create function billing.requests_limit_of(
  p_account public.user_balances,
  p_settings billing.settings
) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  ends_at constant timestamptz := p_account.minute_started_at + interval '1 minute';
begin
  if p_settings.requests_per_minute_max is null or p_account.user_id is null then
    return null;
  end if;
  return jsonb_build_object(
    'limit', p_settings.requests_per_minute_max,
    'remaining', greatest(p_settings.requests_per_minute_max - p_account.minute_requests, 0),
    'reset_seconds', least(greatest(ceil(extract(epoch from ends_at - clock_timestamp())), 0), 60)
  );
end
$$;

-- Counts a request into the user's minute, or refuses it. Answers the account as it is then; it is
-- written with what is reserved.
create function billing.count_request(
  p_account public.user_balances,
  p_settings billing.settings
) returns public.user_balances
language plpgsql
set search_path = ''
as $$
declare
  -- Not when the transaction began: whoever waited for the account comes after who had it.
  at constant timestamptz := clock_timestamp();
  counted jsonb;
begin
  if p_settings.requests_per_minute_max is null then
    return p_account;
  end if;
  if p_account.minute_started_at is null
    or at not between p_account.minute_started_at and p_account.minute_started_at + interval '1 minute'
  then
    p_account.minute_started_at := at;
    p_account.minute_requests := 0;
  end if;
  if p_account.minute_requests >= p_settings.requests_per_minute_max then
    counted := billing.requests_limit_of(p_account, p_settings);
    perform billing.refuse(
      429, 'TOO_MANY_REQUESTS',
      format('More than %s requests in a minute are too many.', p_settings.requests_per_minute_max),
      format('Try again in %s s.', greatest((counted -> 'reset_seconds')::integer, 1)),
      jsonb_build_object(
        'retry_after_seconds', greatest((counted -> 'reset_seconds')::integer, 1),
        'limit', p_settings.requests_per_minute_max, 'remaining', 0, 'requests_limit', counted
      )
    );
  end if;
  p_account.minute_requests := p_account.minute_requests + 1;
  return p_account;
end
$$;

-- Refuses a request beside too many that are still running.
create function billing.refuse_concurrent_request(
  p_account public.user_balances,
  p_settings billing.settings
) returns void
language plpgsql
set search_path = ''
as $$
declare
  running integer;
begin
  if p_settings.concurrent_requests_max is null then
    return;
  end if;
  select count(*) into running from billing.reservations r
  where r.user_id = p_account.user_id and r.state = 'open';
  if running >= p_settings.concurrent_requests_max then
    perform billing.refuse(
      429, 'TOO_MANY_REQUESTS',
      format('%s of your requests are still running, and no more can at the same time.', running),
      'Wait until one has ended.',
      jsonb_build_object(
        -- When one ends is not known; this is about how long a short answer takes.
        'retry_after_seconds', 2,
        'limit', p_settings.concurrent_requests_max, 'remaining', 0,
        'requests_limit', billing.requests_limit_of(p_account, p_settings)
      )
    );
  end if;
end
$$;

-- ── A day's spending ────────────────────────────────────────────────────────────────────────

-- What a correction of this day is to the day's limit. One that lowers a charge of an earlier day gives
-- this day nothing.
create function billing.cost_in_day(p_correction public.usage_records, p_midnight timestamptz)
returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_correction.cost < 0 and exists (
    select from public.usage_records u
    where u.request_id = p_correction.request_id and u.sequence = 0 and u.created_at < p_midnight
  ) then
    return 0;
  end if;
  return p_correction.cost;
end
$$;

-- What a user, or for null all guests together, spent since midnight UTC, and may still spend by
-- what is running. At cost: what could not be collected was spent as well, and a refund does not
-- give the day back. One statement, so that a charge is seen on one side only; the account is locked
-- meanwhile, so nothing is called for each charge.
create function billing.spent_today(p_user_id uuid) returns numeric
language plpgsql
stable
set search_path = ''
as $$
declare
  midnight constant timestamptz := date_trunc('day', now(), 'UTC');
  spent numeric;
begin
  if p_user_id is null then
    select
      coalesce((
        select sum(
          case when u.sequence = 0 then u.cost else billing.cost_in_day(u, midnight) end
        )
        from public.usage_records u
        where u.user_id is null and u.created_at >= midnight
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
        where u.user_id = p_user_id and u.created_at >= midnight
      ), 0) + coalesce((
        select sum(r.ceiling) from billing.reservations r
        where r.user_id = p_user_id and r.state = 'open'
      ), 0)
    into spent;
  end if;
  return greatest(spent, 0);
end
$$;

-- How much is left of the day's limit; null where there is none. All guests wait here for one another:
-- they share the limit, and no row. It is the last lock that anybody takes.
create function billing.left_today(p_user_id uuid, p_settings billing.settings) returns numeric
language plpgsql
set search_path = ''
as $$
begin
  if p_user_id is not null then
    if p_settings.daily_spend_per_user_max is null then
      return null;
    end if;
    return p_settings.daily_spend_per_user_max - billing.spent_today(p_user_id);
  end if;
  if p_settings.daily_spend_of_guests_max is null then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('farebox:spending of guests', 0));
  return p_settings.daily_spend_of_guests_max - billing.spent_today(null);
end
$$;

-- The day's limit as it is told: amounts in USD, and when it ends.
create function billing.spend_limit_as_json(
  p_user_id uuid,
  p_left numeric,
  p_settings billing.settings
) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  maximum constant numeric := case
    when p_user_id is null then p_settings.daily_spend_of_guests_max
    else p_settings.daily_spend_per_user_max
  end;
begin
  return jsonb_build_object(
    'limit', billing.usd(maximum),
    'spent', billing.usd(maximum - p_left),
    'resets_at', date_trunc('day', now(), 'UTC') + interval '1 day'
  );
end
$$;

-- Refuses what the rest of the day's limit does not pay one token of. What all guests spend is the
-- house's own business, and is not told to one of them.
create function billing.refuse_for_spend_limit(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_left numeric,
  p_settings billing.settings
) returns void
language plpgsql
set search_path = ''
as $$
declare
  told constant jsonb := billing.spend_limit_as_json(p_hold.user_id, p_left, p_settings);
begin
  if p_hold.user_id is null then
    perform billing.refuse(
      429, 'SPEND_LIMIT_REACHED', 'There are no more free exchanges today.',
      'Sign up to go on, or come back after midnight UTC.',
      jsonb_build_object('resets_at', told -> 'resets_at')
    );
  end if;
  perform billing.refuse(
    429, 'SPEND_LIMIT_REACHED',
    format(
      'Of the $%s that can be spent in a day, $%s are spent or held, and this request needs at least $%s.',
      told ->> 'limit', told ->> 'spent', billing.usd(billing.ceiling_of(p_hold, 1))
    ),
    'Send a shorter request, or come back after midnight UTC.',
    told || jsonb_build_object('requests_limit', billing.requests_limit_of(p_account, p_settings))
  );
end
$$;

revoke all on function billing.is_listed(text[], text) from public;
revoke all on function billing.refuse_unlisted_models(
  billing.reservations, text[], billing.settings
) from public;
revoke all on function billing.requests_limit_of(public.user_balances, billing.settings) from public;
revoke all on function billing.count_request(public.user_balances, billing.settings) from public;
revoke all on function billing.refuse_concurrent_request(public.user_balances, billing.settings)
  from public;
revoke all on function billing.cost_in_day(public.usage_records, timestamptz) from public;
revoke all on function billing.spent_today(uuid) from public;
revoke all on function billing.left_today(uuid, billing.settings) from public;
revoke all on function billing.spend_limit_as_json(uuid, numeric, billing.settings) from public;
revoke all on function billing.refuse_for_spend_limit(
  billing.reservations, public.user_balances, numeric, billing.settings
) from public;
