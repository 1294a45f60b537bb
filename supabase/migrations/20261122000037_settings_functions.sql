-- An operator reads and changes the settings; the functions ask for those that they must know
-- themselves.

-- The settings by name: every column that is not the row's own. A time is when something happened,
-- and nobody's to set.
create function billing.setting_columns()
returns table (name text, type regtype, is_required boolean)
language sql
stable
set search_path = ''
as $$
  select a.attname::text, a.atttypid::regtype, a.attnotnull
  from pg_catalog.pg_attribute a
  where a.attrelid = 'billing.settings'::regclass
    and a.attnum > 0 and not a.attisdropped
    and a.attname <> 'only_row' and a.atttypid <> 'timestamptz'::regtype
  order by a.attnum;
$$;

-- A row of settings as it is told: amounts as decimal strings.
create function billing.settings_as_json(p_settings billing.settings) returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_object_agg(c.name, case
    when c.type = 'numeric'::regtype
      then to_jsonb(billing.usd((to_jsonb(p_settings) ->> c.name)::numeric))
    else to_jsonb(p_settings) -> c.name
  end)
  from billing.setting_columns() c;
$$;

create function billing.settings_read() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select billing.settings_as_json(s) from billing.settings s;
$$;

-- Whether every item of a list is one that its setting can hold.
create function billing.is_list_for(p_name text, p_items jsonb) returns boolean
language sql
immutable
set search_path = ''
as $$
  select coalesce(bool_and(
    jsonb_typeof(i.item) = 'string' and length(i.item #>> '{}') <= 200 and case p_name
      when 'allowed_models' then i.item #>> '{}' ~ '^[a-z0-9_-]+:(\*|[^\s*]+)$'
      when 'guest_models' then i.item #>> '{}' ~ '^[a-z0-9_-]+:(\*|[^\s*]+)$'
      when 'cors_allowed_origins' then i.item #>> '{}' ~ '^(\*|https?://[^\s,/]+)$'
      else i.item #>> '{}' ~ '^\S+$'
    end
  ), true)
  from jsonb_array_elements(p_items) i (item);
$$;

-- Refuses a value that its setting cannot have; what one setting may be is left to its constraints.
create function billing.refuse_bad_setting(
  p_name text,
  p_type regtype,
  p_is_required boolean,
  p_value jsonb
) returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
  takes constant text := case
    when p_type = 'numeric'::regtype then 'an amount in USD as a decimal string, such as "2.5"'
    when p_type = 'integer'::regtype then 'a whole number'
    when p_type = 'boolean'::regtype then 'true or false'
    when p_type = 'text'::regtype then 'a word'
    when p_name in ('allowed_models', 'guest_models')
      then 'a list of models, each provider:model or provider:*'
    when p_name = 'cors_allowed_origins' then 'a list of origins like https://app.example, or of "*"'
    else 'a list of words'
  end || case when p_is_required then '' else ', or null' end;
  fits constant boolean := case
    when p_value = 'null' then not p_is_required
    when p_type = 'numeric'::regtype
      then jsonb_typeof(p_value) = 'string' and p_value #>> '{}' ~ '^-?[0-9]{1,10}(\.[0-9]{1,10})?$'
    when p_type = 'integer'::regtype
      then jsonb_typeof(p_value) = 'number' and p_value::text ~ '^-?[0-9]{1,9}$'
    when p_type = 'boolean'::regtype then jsonb_typeof(p_value) = 'boolean'
    when p_type = 'text'::regtype then jsonb_typeof(p_value) = 'string'
    when jsonb_typeof(p_value) = 'array'
      then jsonb_array_length(p_value) <= 1000 and billing.is_list_for(p_name, p_value)
    else false
  end;
begin
  -- A live worker renews its hold each heartbeat, of up to 30 s: below that, live requests expire.
  if p_name = 'reservation_ttl_seconds' and fits and p_value::text::integer < 45 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('Cannot set %s to %s: requests that are running would expire.', p_name, p_value),
      'It takes 45 seconds or more. Nothing was changed.'
    );
  end if;
  if not fits then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('Cannot set %s to %s: it takes %s.', p_name, left(p_value::text, 100), takes),
      'Nothing was changed.'
    );
  end if;
end
$$;

-- Changes settings, all or none, and notes each change as an incident.
--
-- p_changes: {"name": value}, amounts as decimal strings. Answers what was another value before:
-- {"changed": {"name": {"from": …, "to": …}}}.
create function billing.settings_write(p_changes jsonb) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  before billing.settings;
  after billing.settings;
  changed jsonb;
  setting record;
  rule text;
begin
  if p_changes is null or jsonb_typeof(p_changes) <> 'object' or p_changes = '{}' then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'There is nothing to change.',
      'Send an object of settings by name, such as {"daily_spend_per_user_max": "5"}.'
    );
  end if;
  select * into strict before from billing.settings for no key update;
  for setting in
    select k.name, c.type, c.is_required, p_changes -> k.name as value
    from jsonb_object_keys(p_changes) k (name)
    left join billing.setting_columns() c on c.name = k.name
  loop
    if setting.type is null then
      perform billing.refuse(
        400, 'INVALID_ARGUMENT',
        format('There is no setting %L; nothing was changed.', left(setting.name, 100)),
        'There are: ' || (select string_agg(c.name, ', ') from billing.setting_columns() c) || '.'
      );
    end if;
    perform billing.refuse_bad_setting(
      setting.name, setting.type, setting.is_required, setting.value
    );
  end loop;

  after := jsonb_populate_record(before, p_changes);
  select coalesce(jsonb_object_agg(
    c.name, jsonb_build_object('from', b.told -> c.name, 'to', a.told -> c.name)
  ), '{}')
  into changed
  from billing.setting_columns() c
  cross join (select billing.settings_as_json(before) as told) b
  cross join (select billing.settings_as_json(after) as told) a
  where a.told -> c.name is distinct from b.told -> c.name;
  if changed = '{}' then
    return jsonb_build_object('changed', changed);
  end if;

  execute (
    select format(
      'update billing.settings set %s, updated_at = now() where only_row',
      string_agg(format('%1$I = ($1).%1$I', k.name), ', ')
    )
    from jsonb_object_keys(changed) k (name)
  ) using after;
  perform billing.record_incident(
    'settings_changed', null, null, c.value || jsonb_build_object('name', c.key)
  )
  from jsonb_each(changed) c;
  return jsonb_build_object('changed', changed);
exception
  when check_violation then
    get stacked diagnostics rule = constraint_name;
    perform billing.refuse(
      400, 'INVALID_ARGUMENT',
      format('Cannot change the settings: then "%s" would not be true.', replace(rule, '_', ' ')),
      format('Nothing was changed. The rule is %s.', (
        select pg_get_constraintdef(c.oid) from pg_catalog.pg_constraint c
        where c.conrelid = 'billing.settings'::regclass and c.conname = rule
      ))
    );
    return null;
end
$$;

-- What the functions cannot leave to SQL.
create function billing.function_settings() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'cors_allowed_origins', s.cors_allowed_origins,
    'save_chat_history', s.save_chat_history
  )
  from billing.settings s;
$$;

create function public.settings_read() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.settings_read();
$$;

create function public.settings_write(p_changes jsonb) returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.settings_write(p_changes);
$$;

create function public.function_settings() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.function_settings();
$$;

revoke all on function billing.setting_columns() from public;
revoke all on function billing.settings_as_json(billing.settings) from public;
revoke all on function billing.is_list_for(text, jsonb) from public;
revoke all on function billing.refuse_bad_setting(text, regtype, boolean, jsonb) from public;
select billing.only_for_service_role(
  array['settings_read', 'settings_write', 'function_settings']
);
