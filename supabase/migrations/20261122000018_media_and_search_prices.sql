-- Prices of what is neither text nor a token: sound, images, searches by the provider.
--
-- Tokens of sound and images are inside the class that their column begins with. Where they have no
-- price of their own they cost what that class costs. A media price is the same in both tiers. A
-- search without a fee is not sold.

do $$
declare
  prices regclass;
begin
  foreach prices in array array['public.model_pricing', 'billing.model_pricing_history'] loop
    execute format($ddl$
      alter table %s
        add column input_audio_per_1k numeric(14,7),
        add column input_image_per_1k numeric(14,7),
        add column cache_read_audio_per_1k numeric(14,7),
        add column output_audio_per_1k numeric(14,7),
        add column output_image_per_1k numeric(14,7),
        -- USD a search.
        add column web_search_fee numeric(20,10),
        add constraint media_prices_are_not_negative check (
          least(
            input_audio_per_1k, input_image_per_1k, cache_read_audio_per_1k, output_audio_per_1k,
            output_image_per_1k, web_search_fee
          ) >= 0
        ),
        -- As for text: a dearer one is a price per million. NaN, above every number, is refused too.
        add constraint media_prices_are_per_1k_not_per_million check (
          greatest(
            input_audio_per_1k, input_image_per_1k, cache_read_audio_per_1k, output_audio_per_1k,
            output_image_per_1k
          ) < 10
        ),
        -- The dearest search on the market costs 0.035 USD: ten is a fee per thousand of them.
        add constraint web_search_fee_is_plausible check (web_search_fee <= 10)
    $ddl$, prices);
  end loop;
end
$$;

comment on table public.model_pricing is
  'Current price of each model, USD per 1,000 tokens. Absent classes fall back: cache_read and cache_write_5m to input, cache_write_1h to cache_write_5m, sound and images to the class that they are in.';

-- Copies whatever columns the two tables share, so that a new price column needs no new trigger.
create or replace function billing.keep_price_history() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  at constant timestamptz := clock_timestamp();
begin
  if tg_op = 'UPDATE' then
    if new.price_version = old.price_version then
      return null;
    end if;
  end if;
  if tg_op in ('UPDATE', 'DELETE') then
    update billing.model_pricing_history
    set effective_to = at
    where price_version = old.price_version;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    insert into billing.model_pricing_history
    select version.*
    from jsonb_populate_record(
      null::billing.model_pricing_history,
      to_jsonb(new) || jsonb_build_object('effective_from', at)
    ) version;
  end if;
  return null;
end
$$;

-- A price version as it travels: decimal strings, USD per 1,000 tokens, a request, or a search.
create or replace function billing.price_as_json(p_version bigint) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select jsonb_object_agg(
      field.key,
      case
        when field.key ~ '_(per_1k|fee)$'
          then to_jsonb(billing.usd((field.value #>> '{}')::numeric))
        else field.value
      end
    )
    from billing.model_pricing_history h
    cross join lateral jsonb_each(
      to_jsonb(h) - array['source', 'effective_from', 'effective_to']
    ) field
    where h.price_version = p_version
  );
end
$$;
