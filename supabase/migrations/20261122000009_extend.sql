-- extend: the next slice of output, and the heartbeat that keeps a reservation alive.

-- Locks the account, or the guest's holders, of a reservation; refuses where there is none.
create function billing.lock_caller_of(p_request_id uuid) returns public.user_balances
language plpgsql
set search_path = ''
as $$
declare
  caller record;
  account public.user_balances;
begin
  select r.user_id, r.guest_token_id, r.guest_address_hash into caller
  from billing.reservations r where r.request_id = p_request_id;
  if not found then
    perform billing.refuse(
      404, 'REQUEST_NOT_FOUND', format('There is no reservation for request %s.', p_request_id),
      'Reserve first; a reservation is remembered for a while after it is closed.'
    );
  end if;
  if caller.user_id is null then
    perform billing.lock_guest(
      billing.guest_holders(caller.guest_token_id, caller.guest_address_hash)
    );
  else
    -- The account exists, whatever became of the user: reserve created it.
    select * into strict account from public.user_balances b
    where b.user_id = caller.user_id for no key update;
  end if;
  return account;
end
$$;

-- Takes the next slice of output, or only keeps the reservation alive, and keeps the checkpoint.
-- p_output_tokens_total is absolute, so a repeated call changes nothing.
create function billing.extend(
  p_request_id uuid,
  p_output_tokens_total integer,
  p_input_tokens integer,
  p_output_tokens integer
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  settings billing.settings;
  hold billing.reservations;
  account public.user_balances;
  available numeric := 0;
  target integer;
  more numeric;
  refused boolean := false;
begin
  if least(p_output_tokens_total, p_input_tokens, p_output_tokens) < 0
    or num_nulls(p_output_tokens_total, p_input_tokens, p_output_tokens) > 0
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'An extension is three whole numbers from zero up.',
      'Send the total of output tokens to hold, and the input and output tokens so far.'
    );
  end if;
  select * into strict settings from billing.settings;
  account := billing.lock_caller_of(p_request_id);
  select * into hold from billing.reservations r where r.request_id = p_request_id for no key update;
  if hold.state <> 'open' then
    return jsonb_build_object(
      'state', 'closed', 'output_tokens_reserved', hold.output_tokens_reserved,
      'available', billing.usd(account.balance - account.reserved), 'expires_at', hold.expires_at
    );
  end if;

  available := account.balance - account.reserved;
  target := least(p_output_tokens_total, hold.output_tokens_limit);
  if target > hold.output_tokens_reserved then
    if hold.user_id is not null and hold.enforced then
      -- What is held already counts: it pays for the input and the slices so far.
      target := least(target, billing.affordable_output_tokens(
        hold.price_version, hold.input_tokens_max, hold.markup_basis_points,
        available + hold.amount
      ));
    end if;
    refused := target <= hold.output_tokens_reserved;
    if not refused then
      hold.output_tokens_reserved := target;
      hold.ceiling := billing.ceiling_of(
        hold.price_version, hold.input_tokens_max, target, hold.markup_basis_points
      );
      more := case
        when hold.user_id is null then 0
        when hold.enforced then hold.ceiling - hold.amount
        else greatest(least(hold.ceiling - hold.amount, available), 0)
      end;
      hold.amount := hold.amount + more;
      if more > 0 then
        update public.user_balances
        set reserved = reserved + more, updated_at = clock_timestamp()
        where user_id = hold.user_id;
        available := available - more;
      end if;
    end if;
  end if;

  hold.expires_at := now() + make_interval(secs => settings.reservation_ttl_seconds);
  update billing.reservations
  set
    output_tokens_reserved = hold.output_tokens_reserved,
    ceiling = hold.ceiling,
    amount = hold.amount,
    -- Checkpoints can arrive out of order; what was delivered is not undelivered.
    checkpoint_input_tokens = greatest(checkpoint_input_tokens, p_input_tokens),
    checkpoint_output_tokens = greatest(checkpoint_output_tokens, p_output_tokens),
    expires_at = hold.expires_at
  where request_id = p_request_id;
  return jsonb_build_object(
    'state', case when refused then 'refused' else 'extended' end,
    'output_tokens_reserved', hold.output_tokens_reserved,
    'available', billing.usd(available),
    'expires_at', hold.expires_at
  );
end
$$;
