-- Telling an operator, in two steps: claim what is due, and say that it was delivered. In between a
-- message goes out, which no transaction can do. It is told at least once: what failed, or was not
-- said to be delivered, is claimed again, and keeps its message id.

-- Every rule as it stands, and as it is told. `state`:
--   disabled · unknown (nobody can tell) · quiet (at most the threshold)
--   due (above it, to be told) · claimed (being told) · cooling (was told; not again yet)
create function billing.alerts_evaluated()
returns table (rule text, state text, value bigint, alert jsonb)
language sql
stable
set search_path = ''
as $$
  select r.rule, now_is.state, v.value, jsonb_build_object(
    'rule', r.rule,
    'state', now_is.state,
    'value', v.value,
    'threshold', r.threshold,
    'window_minutes', r.window_minutes,
    'cooldown_minutes', r.cooldown_minutes,
    'evidence', coalesce(v.evidence, '{}'),
    'delivered_at', s.delivered_at,
    'message_id', 'alert_' || r.rule || '_' || coalesce(s.deliveries, 0) + 1
  )
  from billing.alert_rules r
  left join billing.alert_values() v on v.rule = r.rule
  left join billing.alert_states s on s.rule = r.rule
  cross join lateral (
    select case
      when not r.enabled then 'disabled'
      when v.value is null then 'unknown'
      when v.value <= r.threshold then 'quiet'
      when s.delivered_at > clock_timestamp() - make_interval(mins => r.cooldown_minutes)
        then 'cooling'
      when s.claimed_until > clock_timestamp() then 'claimed'
      else 'due'
    end as state
  ) now_is;
$$;

-- Every rule, in the order of their names; writes nothing.
create function billing.alerts_read() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(e.alert order by e.rule), '[]') from billing.alerts_evaluated() e;
$$;

-- Evaluates, and claims what is due for less than the minute from one evaluation to the next.
-- Answers every rule as it was before; the caller tells those whose state is `due`.
create function billing.claim_alerts() returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  alerts jsonb;
begin
  -- Of evaluations at the same moment one claims; the others see that it did.
  perform pg_advisory_xact_lock(hashtextextended('farebox:alerts', 0));
  insert into billing.alert_states (rule)
  select r.rule from billing.alert_rules r
  where not exists (select from billing.alert_states s where s.rule = r.rule);
  with evaluated as materialized (select * from billing.alerts_evaluated()),
  noted as (
    update billing.alert_states s
    set
      last_value = e.value,
      evaluated_at = clock_timestamp(),
      claimed_until = case e.state
        when 'due' then clock_timestamp() + interval '50 seconds'
        else s.claimed_until
      end
    from evaluated e
    where e.rule = s.rule
  )
  select jsonb_agg(e.alert order by e.rule) into alerts from evaluated e;
  return coalesce(alerts, '[]');
end
$$;

-- These were told: their cool-down begins.
create function billing.alerts_delivered(p_rules text[]) returns jsonb
language sql
security definer
set search_path = ''
as $$
  with told as (
    update billing.alert_states s
    set delivered_at = clock_timestamp(), claimed_until = null, deliveries = s.deliveries + 1
    where s.rule = any (p_rules)
    returning s.rule
  )
  select jsonb_build_object('delivered', coalesce(jsonb_agg(t.rule order by t.rule), '[]'))
  from told t;
$$;

-- Changes what is not null, and answers the rule. What was told cools down by the new times.
create function billing.set_alert_rule(
  p_rule text,
  p_threshold integer,
  p_window_minutes integer,
  p_cooldown_minutes integer,
  p_enabled boolean
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  before billing.alert_rules;
  after billing.alert_rules;
begin
  select * into before from billing.alert_rules r where r.rule = p_rule for update;
  if not found then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('There is no alert rule %L.', p_rule),
      'The rules are ' || (
        select string_agg(r.rule, ', ' order by r.rule) from billing.alert_rules r
      ) || '.'
    );
  end if;
  if p_window_minutes is not null and before.window_minutes is null then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('The rule %s looks at how things stand.', p_rule),
      'It has no window; set its threshold or its cool-down.'
    );
  end if;
  if p_threshold < 0 or p_window_minutes not between 1 and 43200
    or p_cooldown_minutes not between 1 and 43200 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A threshold is 0 or more.',
      'A window and a cool-down are 1 to 43200 minutes, which is a month.'
    );
  end if;
  update billing.alert_rules r
  set
    threshold = coalesce(p_threshold, r.threshold),
    window_minutes = coalesce(p_window_minutes, r.window_minutes),
    cooldown_minutes = coalesce(p_cooldown_minutes, r.cooldown_minutes),
    enabled = coalesce(p_enabled, r.enabled)
  where r.rule = p_rule
  returning r.* into after;
  if after is distinct from before then
    perform billing.record_incident(
      'alert_rule_changed', null, null,
      jsonb_build_object('rule', p_rule, 'changed', (
        select jsonb_object_agg(a.key, jsonb_build_object('from', b.value, 'to', a.value))
        from jsonb_each(to_jsonb(after)) a
        join jsonb_each(to_jsonb(before)) b on b.key = a.key and b.value <> a.value
      ))
    );
  end if;
  return (select e.alert from billing.alerts_evaluated() e where e.rule = p_rule);
end
$$;

-- What happened since, newest first.
create function billing.incidents_list(
  p_kind text,
  p_since timestamptz,
  p_limit integer
) returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(
    jsonb_build_object(
      'id', i.id::text, 'kind', i.kind, 'user_id', i.user_id, 'request_id', i.request_id,
      'details', i.details, 'created_at', i.created_at
    )
    order by i.id desc
  ), '[]')
  from (
    select * from billing.incidents x
    where (p_kind is null or x.kind = p_kind) and (p_since is null or x.created_at >= p_since)
    order by x.id desc
    limit least(greatest(p_limit, 0), 1000)
  ) i;
$$;

-- As before, and with the alerts: those above their threshold are 1.
create or replace function billing.health_details() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'pricing_rows', (select count(*) from public.model_pricing),
    'newest_price_at', (select max(m.updated_at) from public.model_pricing m),
    'accounts', (select count(*) from public.user_balances),
    'balance_total', (select billing.usd(coalesce(sum(b.balance), 0)) from public.user_balances b),
    'reserved_total', (select billing.usd(coalesce(sum(b.reserved), 0)) from public.user_balances b),
    'reservations_open', (select count(*) from billing.reservations r where r.state = 'open'),
    'reservations_overdue', (
      select count(*) from billing.reservations r where r.state = 'open' and r.expires_at < now()
    ),
    'charges_24h', (
      select jsonb_build_object(
        'count', count(*) filter (where u.sequence = 0),
        'cost', billing.usd(coalesce(sum(u.cost), 0)),
        'uncollected', billing.usd(coalesce(sum(u.uncollected) filter (where u.user_id is not null), 0)),
        'guest_cost', billing.usd(coalesce(sum(u.cost) filter (where u.user_id is null), 0))
      )
      from public.usage_records u where u.created_at > now() - interval '24 hours'
    ),
    'incidents_24h', coalesce((
      select jsonb_object_agg(i.kind, i.n)
      from (
        select kind, count(*) as n from billing.incidents
        where created_at > now() - interval '24 hours' group by kind
      ) i
    ), '{}'),
    'alerts', alerts.told,
    'alerts_firing', alerts.firing
  )
  from (
    select
      coalesce(jsonb_agg(e.alert order by e.rule), '[]') as told,
      coalesce(
        jsonb_object_agg(e.rule, (e.state in ('due', 'claimed', 'cooling'))::integer), '{}'
      ) as firing
    from billing.alerts_evaluated() e
  ) alerts;
$$;

create function public.alerts_read() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.alerts_read();
$$;

create function public.claim_alerts() returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.claim_alerts();
$$;

create function public.alerts_delivered(p_rules text[]) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.alerts_delivered(p_rules);
$$;

create function public.set_alert_rule(
  p_rule text,
  p_threshold integer default null,
  p_window_minutes integer default null,
  p_cooldown_minutes integer default null,
  p_enabled boolean default null
) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.set_alert_rule(
    p_rule, p_threshold, p_window_minutes, p_cooldown_minutes, p_enabled
  );
$$;

create function public.incidents_list(
  p_kind text default null,
  p_since timestamptz default null,
  p_limit integer default 50
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.incidents_list(p_kind, p_since, p_limit);
$$;

revoke all on function billing.alerts_evaluated() from public;
select billing.only_for_service_role(array[
  'alerts_read', 'claim_alerts', 'alerts_delivered', 'set_alert_rule', 'incidents_list',
  'health_details'
]);
