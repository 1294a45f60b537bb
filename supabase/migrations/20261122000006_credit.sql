-- What comes in later: grants, top-ups, adjustments, refunds. Each is idempotent on its key, and
-- refuses the same key with other arguments.

create function billing.grant_credit(
  p_user_id uuid,
  p_amount text,
  p_kind text,
  p_key text,
  p_note text
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  amount constant numeric := billing.parse_usd(p_amount);
  account public.user_balances;
  prior public.balance_transactions;
  after numeric;
begin
  if p_kind is null or p_kind not in ('grant', 'top_up', 'adjustment') then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('%L is not a kind of credit.', p_kind),
      'Use grant, top_up or adjustment; a refund has its own function.'
    );
  end if;
  if amount = 0 or (amount < 0 and p_kind <> 'adjustment') then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('Cannot %s %s USD.', p_kind, billing.usd(amount)),
      'Credits are above zero; only an adjustment may take away.'
    );
  end if;
  if coalesce(p_key, '') = '' or length(p_key) > 255 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A credit needs an idempotency key of 1 to 255 characters.',
      'Use the id of what caused it, such as a payment.'
    );
  end if;
  account := billing.lock_account(p_user_id);

  -- The advisory lock makes the same key under two different users wait for each other.
  perform pg_advisory_xact_lock(hashtextextended('farebox:credit:' || p_key, 0));
  select * into prior from public.balance_transactions t where t.idempotency_key = p_key;
  if found then
    if prior.user_id <> p_user_id or prior.amount <> amount or prior.kind <> p_kind then
      perform billing.refuse(
        409, 'KEY_CONFLICT', format('The key %L was used for another credit.', p_key),
        'Use a new key for a new credit; the same key only repeats the same one.'
      );
    end if;
    return jsonb_build_object(
      'state', 'already_granted', 'amount', billing.usd(prior.amount),
      'balance', billing.usd(account.balance)
    );
  end if;
  if amount < 0 and account.balance - account.reserved + amount < 0 then
    perform billing.refuse(
      402, 'INSUFFICIENT_BALANCE',
      format('Cannot take %s USD: only %s USD are available.', billing.usd(-amount),
        billing.usd(account.balance - account.reserved)),
      'Take less, or wait until open requests have settled.',
      jsonb_build_object(
        'balance', billing.usd(account.balance),
        'available', billing.usd(account.balance - account.reserved)
      )
    );
  end if;
  after := billing.write_transaction(p_user_id, p_kind, amount, p_key, null, p_note);
  return jsonb_build_object(
    'state', 'granted', 'amount', billing.usd(amount), 'balance', billing.usd(after)
  );
end
$$;

-- Gives back what a request was charged, or a part of it; never more than was collected.
-- p_amount null: all that is left.
create function billing.refund(
  p_request_id uuid,
  p_amount text,
  p_key text,
  p_reason text
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  amount numeric := billing.parse_usd(coalesce(p_amount, '0'));
  charged_user uuid;
  account public.user_balances;
  prior public.balance_transactions;
  refundable numeric;
  after numeric;
begin
  if coalesce(p_key, '') = '' or length(p_key) > 255 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A refund needs an idempotency key of 1 to 255 characters.',
      'Use the id of what caused it, such as a support case.'
    );
  end if;
  select u.user_id into charged_user from public.usage_records u
  where u.request_id = p_request_id and u.sequence = 0;
  if charged_user is null then
    perform billing.refuse(
      404, 'REQUEST_NOT_FOUND', format('No user was charged for request %s.', p_request_id),
      'Use a request id from usage_records that has a user.'
    );
  end if;
  account := billing.lock_account(charged_user);
  perform pg_advisory_xact_lock(hashtextextended('farebox:credit:' || p_key, 0));
  select * into prior from public.balance_transactions t where t.idempotency_key = p_key;
  if found then
    if prior.request_id is distinct from p_request_id
      or (p_amount is not null and prior.amount <> amount)
    then
      perform billing.refuse(
        409, 'KEY_CONFLICT', format('The key %L was used for another credit.', p_key),
        'Use a new key for a new refund; the same key only repeats the same one.'
      );
    end if;
    return jsonb_build_object(
      'state', 'already_refunded', 'amount', billing.usd(prior.amount),
      'balance', billing.usd(account.balance)
    );
  end if;
  select coalesce(sum(u.collected), 0) - billing.refunded(p_request_id) into refundable
  from public.usage_records u where u.request_id = p_request_id;
  if p_amount is null then
    amount := refundable;
  end if;
  if amount <= 0 or amount > refundable then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('Cannot refund %s USD: %s USD of request %s are left to refund.',
        billing.usd(amount), billing.usd(refundable), p_request_id),
      'Refund an amount above zero and within what is left.'
    );
  end if;
  after := billing.write_transaction(charged_user, 'refund', amount, p_key, p_request_id, p_reason);
  return jsonb_build_object(
    'state', 'refunded', 'amount', billing.usd(amount), 'balance', billing.usd(after)
  );
end
$$;

create function billing.refunded(p_request_id uuid) returns numeric
language sql
stable
set search_path = ''
as $$
  select coalesce(sum(t.amount), 0) from public.balance_transactions t
  where t.request_id = p_request_id;
$$;
