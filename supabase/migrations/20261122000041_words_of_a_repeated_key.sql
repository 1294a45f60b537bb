-- What a repeated Idempotency-Key is told, by how its first request stands: while it runs one comes
-- again, and after it one gets its answer or its receipt.

create or replace function billing.refuse_repeated_key(
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
    case
      when prior.state = 'open' then 'A request with this Idempotency-Key is still running.'
      when prior.user_id is null then 'A request with this Idempotency-Key has already been answered.'
      else 'A request with this Idempotency-Key has already been answered and charged once.'
    end,
    case prior.state
      when 'open' then 'Send it again in a few seconds.'
      else 'Use a new key to ask again.'
    end,
    jsonb_build_object('request_id', prior.request_id, 'state', prior.state)
  );
end
$$;
