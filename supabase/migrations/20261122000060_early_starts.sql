-- A request may be sent to its provider while reserve is still being asked (docs/adr/0017). What the
-- house pays where reserve then refuses is recorded, and bounded by a setting; 0 switches it off.

alter table billing.settings
  add column early_start_loss_per_day_max numeric(20,10) not null default 1,
  add constraint early_start_loss_is_plausible
    check (early_start_loss_per_day_max between 0 and 1000000);

-- What the functions need for it: how much of the day's bound is left, and below what nobody is
-- served. Null: nothing is started early. Asked every few seconds by every isolate, so a day has at
-- most a thousand losses, whatever they came to.
create function billing.early_starts(p_settings billing.settings) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  losses integer;
  lost numeric;
begin
  if p_settings.early_start_loss_per_day_max = 0 or p_settings.usage_tracking <> 'on'
    or p_settings.balance_enforcement <> 'enforce'
  then
    return null;
  end if;
  select count(*), coalesce(sum(i.amount), 0)
  into losses, lost
  from (
    -- What nobody can read counts as all that there is.
    select case
      when x.details ->> 'amount' ~ '^[0-9]{1,10}(\.[0-9]{1,10})?$'
        then (x.details ->> 'amount')::numeric
      else p_settings.early_start_loss_per_day_max
    end as amount
    from billing.incidents x
    where x.kind = 'early_start_refused' and x.created_at >= date_trunc('day', now(), 'UTC')
    limit 1000
  ) i;
  return jsonb_build_object(
    'loss_left', billing.usd(case
      when losses >= 1000 then 0
      else greatest(p_settings.early_start_loss_per_day_max - lost, 0)
    end),
    'minimum_balance', billing.usd(p_settings.minimum_balance)
  );
end
$$;

create or replace function billing.function_settings() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'cors_allowed_origins', s.cors_allowed_origins,
    'save_chat_history', s.save_chat_history,
    'early_starts', billing.early_starts(s)
  )
  from billing.settings s;
$$;

revoke all on function billing.early_starts(billing.settings) from public;
select billing.only_for_service_role(array['function_settings']);
