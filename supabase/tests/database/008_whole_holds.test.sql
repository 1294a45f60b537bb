-- What cannot be counted as it comes is held whole (docs/adr/0008).
begin;
create extension if not exists pgtap with schema extensions;
select plan(8);

-- Names of this test, so that it also runs where models were repriced.
insert into public.model_pricing (
  provider_id, model_id, display_name, input_per_1k, output_per_1k, max_output_tokens,
  hides_reasoning, source
) values
  ('pgtap', 'shown', 'Shown', 0.001, 0.002, 5000, false, 'test'),
  ('pgtap', 'hidden', 'Hidden', 0.001, 0.002, 5000, true, 'test');
insert into auth.users (id, email)
values ('00000000-0000-4000-8000-00000000ad08', 'whole-holds@example.com');
update billing.settings set output_slice_tokens = 1024;
select public.grant_credit(
  '00000000-0000-4000-8000-00000000ad08', '5', 'adjustment', 'pgtap:008', null
);

create function pg_temp.reserved(p_model text, p_can_extend boolean) returns jsonb
language sql as $$
  select public.reserve(
    p_request_id => gen_random_uuid(),
    p_user_id => '00000000-0000-4000-8000-00000000ad08',
    p_guest_token_id => null, p_guest_address_hash => null, p_guest_limit => null,
    p_provider_id => 'pgtap', p_model_id => p_model,
    p_input_tokens_max => 100, p_output_tokens_max => null, p_chat_id => null,
    p_idempotency_key => null, p_request_hash => null,
    p_can_extend => p_can_extend
  );
$$;

select is(
  pg_temp.reserved('shown', true) -> 'output_tokens_reserved', '1024',
  'a stream that shows everything holds a slice'
);
select is(
  pg_temp.reserved('shown', false) -> 'output_tokens_reserved', '5000',
  'a whole answer holds its whole limit'
);
select is(
  pg_temp.reserved('hidden', true) -> 'output_tokens_reserved', '5000',
  'so does a stream that hides its reasoning'
);
select is(
  pg_temp.reserved('hidden', false) ->> 'amount', '0.0101',
  'and the amount covers all of it: 100 x 0.001 and 5,000 x 0.002, per thousand'
);
select is(
  pg_temp.reserved('hidden', true) #> '{price,hides_reasoning}', 'true',
  'the price of the reservation says that the model hides its reasoning'
);

select is(
  (select hides_reasoning from billing.model_pricing_history where model_id = 'hidden'), true,
  'and so does its version in the history'
);
update public.model_pricing set hides_reasoning = true where model_id = 'shown';
select is(
  (select count(*)::integer from billing.model_pricing_history where model_id = 'shown'), 2,
  'saying otherwise is a new version of the price'
);
select is(
  (
    select row ->> 'hides_reasoning' from jsonb_array_elements(public.pricing_catalogue()) row
    where row ->> 'model_id' = 'shown'
  ),
  'true', 'which the catalogue carries'
);

select * from finish();
rollback;
