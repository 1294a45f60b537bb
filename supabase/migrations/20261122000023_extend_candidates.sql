-- extend asks for what the next slice costs at the dearest of the models that may answer.

create or replace function billing.extend(
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
      target := least(target, billing.affordable_output_tokens(hold, available + hold.amount));
    end if;
    refused := target <= hold.output_tokens_reserved;
    if not refused then
      hold.output_tokens_reserved := target;
      hold.ceiling := billing.ceiling_of(hold, target);
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

drop function billing.affordable_output_tokens(bigint, integer, integer, numeric);
drop function billing.ceiling_of(bigint, integer, integer, integer);
drop function billing.dearest_prices(bigint, integer);
