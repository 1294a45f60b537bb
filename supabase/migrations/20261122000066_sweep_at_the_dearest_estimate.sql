-- Which candidate a sweep charges for is asked of the usage as it is charged, capped at the hold. A
-- worker can deliver more than it held before it dies: the dearest for what was delivered need not be
-- the dearest for what is charged, and then the charge was below what was held for.
create or replace function billing.settle_at_checkpoint(p_hold billing.reservations) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  charge public.usage_records;
  dearest text;
begin
  charge.request_id := p_hold.request_id;
  charge.input_tokens := p_hold.checkpoint_input_tokens;
  charge.cache_read_tokens := 0;
  charge.cache_write_5m_tokens := 0;
  charge.cache_write_1h_tokens := 0;
  charge.output_tokens := p_hold.checkpoint_output_tokens;
  charge.basis := 'checkpoint';
  charge.finish := 'expired';
  charge := billing.as_estimate(charge, p_hold);
  select h.provider_id || ':' || h.model_id into dearest
  from billing.candidates_of(p_hold) c
  join billing.model_pricing_history h on h.price_version = c.price_version
  order by
    billing.cost_of_charge(
      jsonb_populate_record(charge, jsonb_build_object('price_version', h.price_version))
    ) desc,
    h.price_version = p_hold.price_version desc
  limit 1;
  return billing.settle(charge, dearest, null, null);
end
$$;
