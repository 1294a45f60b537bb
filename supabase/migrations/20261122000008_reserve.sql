-- reserve: one call before the upstream request. Price, affordability, the hold; or a refusal.

-- A reservation as its caller sees it.
create function billing.reservation_as_json(
  p_hold billing.reservations,
  p_account public.user_balances,
  p_limited_by text,
  p_would_refuse text,
  p_guest_exchanges_left integer
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'request_id', p_hold.request_id,
    'amount', billing.usd(p_hold.amount),
    'output_tokens_reserved', p_hold.output_tokens_reserved,
    'output_tokens_limit', p_hold.output_tokens_limit,
    'output_limited_by', p_limited_by,
    'balance', billing.usd(p_account.balance),
    'available', billing.usd(p_account.balance - p_account.reserved),
    'price_version', p_hold.price_version,
    'price', billing.price_as_json(p_hold.price_version),
    'markup_basis_points', p_hold.markup_basis_points,
    'expires_at', p_hold.expires_at,
    'would_refuse', p_would_refuse,
    'guest_exchanges_left', p_guest_exchanges_left
  );
$$;

create function billing.reserve(
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
  p_enforcement text,
  p_can_extend boolean
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  settings billing.settings;
  price public.model_pricing;
  account public.user_balances;
  prior billing.reservations;
  hold billing.reservations;
  available numeric;
  affordable integer;
  would_refuse text;
  places_left integer;
  wanted integer;
begin
  if p_request_id is null or (p_user_id is null) = (p_guest_token_id is null) or (
    p_guest_token_id is not null
    and (
      p_guest_address_hash is null or p_guest_limit is null
      or length(p_guest_token_id) not between 1 and 200
      or length(p_guest_address_hash) not between 1 and 200
    )
  ) then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A reservation has a request id, and is for a user or for a guest.',
      'Send p_user_id, or p_guest_token_id with p_guest_address_hash and p_guest_limit.'
    );
  end if;
  if p_input_tokens_max is null or p_input_tokens_max < 0 or p_output_tokens_max < 1
    or length(p_chat_id) > 128 or length(p_idempotency_key) > 255
    or p_enforcement is null or p_enforcement not in ('enforce', 'observe', 'off')
    or p_can_extend is null
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A bound, the chat id, the key, the enforcement or can_extend is not valid.',
      'Input at least 0 and output at least 1 token; chat id up to 128 and key up to 255 characters; enforce, observe or off; true or false.'
    );
  end if;
  select * into strict settings from billing.settings;

  -- The caller's rows first: they make everything below wait for its turn.
  if p_user_id is not null then
    account := billing.lock_account(p_user_id);
  else
    perform billing.lock_guest(billing.guest_holders(p_guest_token_id, p_guest_address_hash));
  end if;

  select * into prior from billing.reservations r where r.request_id = p_request_id;
  if found then
    return billing.repeat_reserve(
      prior, account, p_user_id, p_guest_token_id, p_provider_id, p_model_id, p_input_tokens_max,
      p_request_hash
    );
  end if;
  if p_idempotency_key is not null then
    perform billing.refuse_repeated_key(
      coalesce(p_user_id::text, p_guest_token_id), p_idempotency_key, p_request_hash
    );
  end if;

  select * into price from public.model_pricing m
  where m.provider_id = p_provider_id and m.model_id = p_model_id;
  if not found then
    perform billing.refuse(
      404, 'MODEL_NOT_FOUND', format('There is no price for %s:%s.', p_provider_id, p_model_id),
      'GET /v1/models lists what can be used.',
      jsonb_build_object('model', p_provider_id || ':' || p_model_id)
    );
  end if;

  hold.request_id := p_request_id;
  hold.user_id := p_user_id;
  hold.guest_token_id := p_guest_token_id;
  hold.guest_address_hash := p_guest_address_hash;
  hold.chat_id := p_chat_id;
  hold.provider_id := price.provider_id;
  hold.model_id := price.model_id;
  hold.price_version := price.price_version;
  hold.markup_basis_points := settings.markup_basis_points;
  hold.input_tokens_max := least(p_input_tokens_max, price.max_input_tokens);
  hold.enforced := p_enforcement = 'enforce';
  hold.state := 'open';
  hold.idempotency_key := p_idempotency_key;
  hold.request_hash := p_request_hash;
  hold.checkpoint_input_tokens := 0;
  hold.checkpoint_output_tokens := 0;
  hold.created_at := clock_timestamp();
  hold.expires_at := now() + make_interval(secs => settings.reservation_ttl_seconds);
  -- Where nobody publishes an output limit, an answer still fits the model's context.
  wanted := least(
    p_output_tokens_max, coalesce(price.max_output_tokens, price.max_input_tokens, 131072)
  );

  if p_user_id is null then
    if hold.input_tokens_max > settings.guest_input_tokens_max then
      perform billing.refuse(
        400, 'INVALID_ARGUMENT',
        format('Guests can send up to about %s tokens at a time.', settings.guest_input_tokens_max),
        'Send less, or sign up to send more.'
      );
    end if;
    hold.output_tokens_limit := least(wanted, settings.guest_output_tokens_max);
    places_left := billing.take_guest_place(p_guest_token_id, p_guest_address_hash, p_guest_limit);
  else
    available := account.balance - account.reserved;
    affordable := billing.affordable_output_tokens(
      hold.price_version, hold.input_tokens_max, hold.markup_basis_points, available
    );
    if available < settings.minimum_balance or affordable < 1 then
      if hold.enforced then
        perform billing.refuse_for_balance(account, hold, settings);
      end if;
      would_refuse := case p_enforcement when 'observe' then 'INSUFFICIENT_BALANCE' end;
    end if;
    hold.output_tokens_limit := case
      when hold.enforced then least(wanted, affordable)
      else wanted
    end;
  end if;

  -- A slice is enough where the answer is counted as it comes, and the next slice is asked for in
  -- time. What comes at once, or is hidden, is held whole: nobody could stop it (docs/adr/0008).
  hold.output_tokens_reserved := case
    when p_can_extend and not price.hides_reasoning
      then least(settings.output_slice_tokens, hold.output_tokens_limit)
    else hold.output_tokens_limit
  end;
  hold.ceiling := billing.ceiling_of(
    hold.price_version, hold.input_tokens_max, hold.output_tokens_reserved,
    hold.markup_basis_points
  );
  hold.amount := case
    when p_user_id is null then 0
    when hold.enforced then hold.ceiling
    else least(hold.ceiling, available)
  end;
  if p_user_id is not null then
    update public.user_balances
    set reserved = reserved + hold.amount, updated_at = clock_timestamp()
    where user_id = p_user_id
    returning * into account;
  end if;
  insert into billing.reservations select (hold).*;
  return billing.reservation_as_json(
    hold, account,
    case
      when hold.output_tokens_limit < wanted
        then case when p_user_id is null then 'guest' else 'balance' end
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
  p_user_id uuid,
  p_guest_token_id text,
  p_provider_id text,
  p_model_id text,
  p_input_tokens_max integer,
  p_request_hash text
) returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  if p_prior.user_id is distinct from p_user_id
    or p_prior.guest_token_id is distinct from p_guest_token_id
    or p_prior.provider_id <> p_provider_id
    or p_prior.model_id <> p_model_id
    or p_prior.request_hash is distinct from p_request_hash
    or p_prior.input_tokens_max > p_input_tokens_max
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

create function billing.refuse_repeated_key(
  p_caller text,
  p_key text,
  p_request_hash text
) returns void
language plpgsql
set search_path = ''
as $$
declare
  prior billing.reservations;
begin
  select * into prior from billing.reservations r
  where coalesce(r.user_id::text, r.guest_token_id) = p_caller and r.idempotency_key = p_key;
  if not found then
    return;
  end if;
  if prior.request_hash is distinct from p_request_hash then
    perform billing.refuse(
      422, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body.',
      'Use a new key for a new request; repeat a key only with the same body.'
    );
  end if;
  perform billing.refuse(
    409, 'DUPLICATE_REQUEST',
    case prior.state
      when 'open' then 'A request with this Idempotency-Key is still running.'
      else 'A request with this Idempotency-Key has already been answered and charged once.'
    end,
    'Fetch the receipt of request_id, or use a new key to ask again.',
    jsonb_build_object('request_id', prior.request_id, 'state', prior.state)
  );
end
$$;

create function billing.refuse_for_balance(
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
    p_settings.minimum_balance,
    billing.ceiling_of(
      p_hold.price_version, p_hold.input_tokens_max, 1, p_hold.markup_basis_points
    )
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
