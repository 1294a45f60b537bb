-- What an operator may change while everything runs: switches, guard rails, history. Null is "no
-- limit", unless it says otherwise. Migrations from here on give service_role its functions by one
-- call.

-- Where more was set than the bounds below allow, it becomes the most that they do.
update billing.settings set
  incident_retention_days = least(incident_retention_days, 36500),
  reservation_retention_hours = least(reservation_retention_hours, 87600),
  guest_window_hours = least(guest_window_hours, 8760);

alter table billing.settings
  -- As the environment's switches; of the two the weaker counts.
  add column usage_tracking text not null default 'on',
  add column balance_enforcement text not null default 'enforce',
  -- A user's requests in a minute, and at the same time.
  add column requests_per_minute_max integer,
  add column concurrent_requests_max integer,
  -- USD a day, which begins at midnight UTC: of each user, and of all guests together.
  add column daily_spend_per_user_max numeric(20,10),
  add column daily_spend_of_guests_max numeric(20,10),
  -- "provider:model", or "provider:*"; guests have those of both lists.
  add column allowed_models text[],
  add column guest_models text[],
  -- Null: what CORS_ALLOWED_ORIGINS says.
  add column cors_allowed_origins text[],
  add column save_chat_history boolean not null default false,
  -- Null: until its owner deletes it.
  add column chat_history_days integer,
  -- A user hears of it when the balance falls below; null: never.
  add column low_balance_threshold numeric(20,10) default 1,
  add column updated_at timestamptz not null default now(),
  add constraint usage_tracking_is_known check (usage_tracking in ('on', 'off')),
  add constraint balance_enforcement_is_known
    check (balance_enforcement in ('enforce', 'observe', 'off')),
  add constraint request_limits_are_positive
    check (least(requests_per_minute_max, concurrent_requests_max) > 0),
  add constraint daily_spend_per_user_is_plausible
    check (daily_spend_per_user_max between 0 and 1000000),
  add constraint daily_spend_of_guests_is_plausible
    check (daily_spend_of_guests_max between 0 and 1000000),
  -- A century, ten years, and a year: times beyond what a timestamp holds would stop the sweeper.
  add constraint chat_history_days_is_plausible check (chat_history_days between 1 and 36500),
  add constraint incident_retention_is_plausible check (incident_retention_days <= 36500),
  add constraint reservation_retention_is_plausible check (reservation_retention_hours <= 87600),
  add constraint guest_window_is_plausible check (guest_window_hours <= 8760),
  add constraint low_balance_threshold_is_plausible
    check (low_balance_threshold between 0 and 1000000);

-- Functions are executable by everybody unless that is taken away: takes it away from those of these
-- names, in billing and in public, and gives it to service_role. An app may have a function of such a
-- name too: ours in public do nothing but call billing.
create function billing.only_for_service_role(p_names text[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.proname = any (p_names)
      and (
        p.pronamespace = 'billing'::regnamespace
        or (p.pronamespace = 'public'::regnamespace and p.prosrc ~ '\mbilling\.')
      )
  loop
    execute format('revoke all on function %s from public, anon, authenticated', signature);
    execute format('grant execute on function %s to service_role', signature);
  end loop;
end
$$;
revoke all on function billing.only_for_service_role(text[]) from public;
