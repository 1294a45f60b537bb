-- reserve, for several models that may answer: the one that is asked, and those to try instead.

create or replace function billing.reservation_as_json(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_limited_by text,
  p_would_refuse text,
  p_guest_exchanges_left integer
) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'request_id', p_hold.request_id,
    'amount', billing.usd(p_hold.amount),
    'output_tokens_reserved', p_hold.output_tokens_reserved,
    'output_tokens_limit', p_hold.output_tokens_limit,
    'output_limited_by', p_limited_by,
    'balance', billing.usd(p_account.balance),
    'available', billing.usd(p_account.balance - p_account.reserved),
    'price_version', p_hold.price_version,
    'price', billing.price_as_json(p_hold.price_version),
    'fallbacks', (
      select jsonb_agg(billing.price_as_json(v.version) order by v.ordinality)
      from unnest(p_hold.fallback_versions) with ordinality v (version, ordinality)
    ),
    'markup_basis_points', p_hold.markup_basis_points,
    'expires_at', p_hold.expires_at,
    'would_refuse', p_would_refuse,
    'guest_exchanges_left', p_guest_exchanges_left
  );
end
$$;

-- Refuses a reservation that nobody could settle, or that would let a guest in without a limit.
create function billing.refuse_bad_reserve(
  p_hold billing.reservations,
  p_guest_limit integer,
  p_output_tokens_max integer,
  p_enforcement text,
  p_can_extend boolean,
  p_fallback_models text[]
) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_hold.request_id is null or (p_hold.user_id is null) = (p_hold.guest_token_id is null) or (
    p_hold.guest_token_id is not null
    and (
      p_hold.guest_address_hash is null or p_guest_limit is null
      or length(p_hold.guest_token_id) not between 1 and 200
      or length(p_hold.guest_address_hash) not between 1 and 200
    )
  ) then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A reservation has a request id, and is for a user or for a guest.',
      'Send p_user_id, or p_guest_token_id with p_guest_address_hash and p_guest_limit.'
    );
  end if;
  if p_hold.input_tokens_max is null or p_hold.input_tokens_max < 0 or p_output_tokens_max < 1
    or length(p_hold.chat_id) > 128 or length(p_hold.idempotency_key) > 255
    or p_enforcement is null or p_enforcement not in ('enforce', 'observe', 'off')
    or p_can_extend is null
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A bound, the chat id, the key, the enforcement or can_extend is not valid.',
      'Input at least 0 and output at least 1 token; chat id up to 128 and key up to 255 characters; enforce, observe or off; true or false.'
    );
  end if;
  if cardinality(p_fallback_models) > 8 or array_position(p_fallback_models, null) is not null
    or p_hold.with_media is null
    or p_hold.web_searches_max is null or p_hold.web_searches_max not between 0 and 10000
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'The fallback models, with_media or the searches are not valid.',
      'At most 8 models, provider:model each; true or false; 0 to 10000 searches.'
    );
  end if;
end
$$;

drop function billing.reserve(
  uuid, uuid, text, text, integer, text, text, integer, integer, text, text, text, text, boolean
);
drop function billing.repeat_reserve(
  billing.reservations, public.user_balances, uuid, text, text, text, integer, text
);

-- p_hold: what is asked for. The rest of it is found out here.
create function billing.reserve(
  p_hold billing.reservations,
  p_guest_limit integer,
  p_output_tokens_max integer,
  p_enforcement text,
  p_can_extend boolean,
  p_fallback_models text[]
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  settings billing.settings;
  account public.user_balances;
  prior billing.reservations;
  available numeric;
  affordable integer;
  would_refuse text;
  places_left integer;
  wanted integer;
begin
  perform billing.refuse_bad_reserve(
    p_hold, p_guest_limit, p_output_tokens_max, p_enforcement, p_can_extend, p_fallback_models
  );
  select * into strict settings from billing.settings;

  -- The caller's rows first: they make everything below wait for its turn.
  if p_hold.user_id is not null then
    account := billing.lock_account(p_hold.user_id);
  else
    perform billing.lock_guest(
      billing.guest_holders(p_hold.guest_token_id, p_hold.guest_address_hash)
    );
  end if;

  select * into prior from billing.reservations r where r.request_id = p_hold.request_id;
  if found then
    return billing.repeat_reserve(prior, account, p_hold, p_fallback_models);
  end if;
  if p_hold.idempotency_key is not null then
    perform billing.refuse_repeated_key(
      coalesce(p_hold.user_id::text, p_hold.guest_token_id), p_hold.idempotency_key,
      p_hold.request_hash
    );
  end if;

  p_hold := billing.price_hold(p_hold, p_output_tokens_max, p_fallback_models);
  wanted := p_hold.output_tokens_limit;
  p_hold.markup_basis_points := settings.markup_basis_points;
  p_hold.enforced := p_enforcement = 'enforce';
  p_hold.state := 'open';
  p_hold.checkpoint_input_tokens := 0;
  p_hold.checkpoint_output_tokens := 0;
  p_hold.created_at := clock_timestamp();
  p_hold.expires_at := now() + make_interval(secs => settings.reservation_ttl_seconds);

  if p_hold.user_id is null then
    if p_hold.input_tokens_max > settings.guest_input_tokens_max then
      perform billing.refuse(
        400, 'INVALID_ARGUMENT',
        format('Guests can send up to about %s tokens at a time.', settings.guest_input_tokens_max),
        'Send less, or sign up to send more.'
      );
    end if;
    p_hold.output_tokens_limit := least(wanted, settings.guest_output_tokens_max);
    places_left := billing.take_guest_place(
      p_hold.guest_token_id, p_hold.guest_address_hash, p_guest_limit
    );
  else
    available := account.balance - account.reserved;
    affordable := billing.affordable_output_tokens(p_hold, available);
    if available < settings.minimum_balance or affordable < 1 then
      if p_hold.enforced then
        perform billing.refuse_for_balance(account, p_hold, settings);
      end if;
      would_refuse := case p_enforcement when 'observe' then 'INSUFFICIENT_BALANCE' end;
    end if;
    p_hold.output_tokens_limit := case
      when p_hold.enforced then least(wanted, affordable)
      else wanted
    end;
  end if;

  -- A slice is enough where the answer is counted as it comes, and the next slice is asked for in
  -- time. What comes at once, or is hidden, is held whole: nobody could stop it (docs/adr/0008).
  p_hold.output_tokens_reserved := case
    when p_can_extend
      and not (select bool_or(c.hides_reasoning) from billing.candidates_of(p_hold) c)
      then least(settings.output_slice_tokens, p_hold.output_tokens_limit)
    else p_hold.output_tokens_limit
  end;
  p_hold.ceiling := billing.ceiling_of(p_hold, p_hold.output_tokens_reserved);
  p_hold.amount := case
    when p_hold.user_id is null then 0
    when p_hold.enforced then p_hold.ceiling
    else least(p_hold.ceiling, available)
  end;
  if p_hold.user_id is not null then
    update public.user_balances
    set reserved = reserved + p_hold.amount, updated_at = clock_timestamp()
    where user_id = p_hold.user_id
    returning * into account;
  end if;
  insert into billing.reservations select (p_hold).*;
  return billing.reservation_as_json(
    p_hold, account,
    case
      when p_hold.output_tokens_limit < wanted
        then case when p_hold.user_id is null then 'guest' else 'balance' end
      when wanted < coalesce(p_output_tokens_max, 2147483647) then 'model'
      else 'client'
    end,
    would_refuse, places_left
  );
end
$$;

-- The answer to a repeated reserve: the same again for the same arguments, a refusal for others.
create function billing.repeat_reserve(
  p_prior billing.reservations,
  p_account public.user_balances,
  p_hold billing.reservations,
  p_fallback_models text[]
) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  if (
    p_prior.user_id, p_prior.guest_token_id, p_prior.provider_id, p_prior.model_id,
    p_prior.request_hash, p_prior.with_media, p_prior.web_searches_max,
    billing.fallbacks_of(p_prior)
  ) is distinct from (
    p_hold.user_id, p_hold.guest_token_id, p_hold.provider_id, p_hold.model_id,
    p_hold.request_hash, p_hold.with_media, p_hold.web_searches_max,
    nullif(p_fallback_models, '{}')
  ) or p_prior.input_tokens_max > p_hold.input_tokens_max
  then
    perform billing.refuse(
      409, 'KEY_CONFLICT', format('Request %s was reserved for something else.', p_prior.request_id),
      'Mint a new request id for a new request.'
    );
  end if;
  if p_prior.state <> 'open' then
    perform billing.refuse(
      409, 'DUPLICATE_REQUEST', format('Request %s is already %s.', p_prior.request_id, p_prior.state),
      'Mint a new request id for a new request.',
      jsonb_build_object('request_id', p_prior.request_id, 'state', p_prior.state)
    );
  end if;
  return billing.reservation_as_json(p_prior, p_account, null, null, null);
end
$$;

create or replace function billing.refuse_for_balance(
  p_account public.user_balances,
  p_hold billing.reservations,
  p_settings billing.settings
) returns void
language plpgsql
set search_path = ''
as $$
declare
  available constant numeric := p_account.balance - p_account.reserved;
  required constant numeric := greatest(
    p_settings.minimum_balance, billing.ceiling_of(p_hold, 1)
  );
begin
  perform billing.refuse(
    402, 'INSUFFICIENT_BALANCE',
    case
      when p_account.reserved > 0 and p_account.balance >= required
        then format(
          'Your balance of $%s is held by requests that are still running; $%s is free and this one needs at least $%s.',
          billing.usd(p_account.balance), billing.usd(available), billing.usd(required)
        )
      else format(
        'Your balance is $%s and this request needs at least $%s.',
        billing.usd(p_account.balance), billing.usd(required)
      )
    end,
    'Add credit, or send a shorter request.',
    jsonb_build_object(
      'balance', billing.usd(p_account.balance),
      'available', billing.usd(available),
      'required', billing.usd(required)
    )
  );
end
$$;
