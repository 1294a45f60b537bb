-- A balance below the minimum is refused for what it is: a shorter request would not help.

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
  minimum constant numeric := p_settings.minimum_balance;
  required constant numeric := greatest(minimum, billing.ceiling_of(p_hold, 1));
  is_held constant boolean := p_account.reserved > 0 and p_account.balance >= required;
begin
  perform billing.refuse(
    402, 'INSUFFICIENT_BALANCE',
    case
      when is_held then format(
        'Your balance of $%s is held by requests that are still running; $%s is free and this one needs at least $%s.',
        billing.usd(p_account.balance), billing.usd(available), billing.usd(required)
      )
      when required = minimum then format(
        'Your balance is $%s and every request needs at least $%s.',
        billing.usd(p_account.balance), billing.usd(minimum)
      )
      else format(
        'Your balance is $%s and this request needs at least $%s.',
        billing.usd(p_account.balance), billing.usd(required)
      )
    end,
    case
      when is_held and available < minimum then 'Wait until they have ended, or add credit.'
      when is_held then 'Wait until they have ended, add credit, or send a shorter request.'
      when available < minimum then format(
        'Add credit: the minimum balance is $%s, however short the request.', billing.usd(minimum)
      )
      else 'Add credit, or send a shorter request.'
    end,
    jsonb_build_object(
      'balance', billing.usd(p_account.balance),
      'available', billing.usd(available),
      'required', billing.usd(required)
    )
  );
end
$$;
