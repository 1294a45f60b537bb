-- Every price that ever was stays on record, because charges refer to it.
begin;
create extension if not exists pgtap with schema extensions;
select plan(18);

create temporary view versions as
  select row_number() over (order by price_version) as n, * from billing.model_pricing_history
  where provider_id = 'pgtap';

insert into public.model_pricing (provider_id, model_id, display_name, input_per_1k, output_per_1k, source)
values ('pgtap', 'model', 'Test', 0.001, 0.002, 'test');
select is((select count(*)::integer from versions), 1, 'a new price is a first version');
select is(
  (select price_version from public.model_pricing where provider_id = 'pgtap'),
  (select price_version from versions), 'which the price names'
);
select is((select effective_to from versions), null, 'and which is in force');

update public.model_pricing set display_name = 'Renamed' where provider_id = 'pgtap';
select is((select count(*)::integer from versions), 1, 'a new name is no new price');

update public.model_pricing set output_per_1k = 0.004 where provider_id = 'pgtap';
select is((select count(*)::integer from versions), 2, 'a changed price is a new version');
select isnt((select effective_to from versions where n = 1), null, 'the old one has ended');
select is((select output_per_1k from versions where n = 1), 0.002::numeric(14,7), 'as it was');
select is(
  (select effective_to from versions where n = 1), (select effective_from from versions where n = 2),
  'the new one begins where the old one ended'
);

delete from public.model_pricing where provider_id = 'pgtap';
select is((select count(*)::integer from versions), 2, 'a deleted price stays on record');
select isnt((select effective_to from versions where n = 2), null, 'as ended');

select throws_ok(
  $$ update billing.model_pricing_history set output_per_1k = 0 where provider_id = 'pgtap' $$,
  'PT409', null, 'no version is repriced, not even by the owner of the table'
);
select throws_ok(
  $$ update billing.model_pricing_history set effective_to = null where provider_id = 'pgtap' $$,
  'PT409', null, 'nor does one that ended begin again'
);
select throws_ok(
  $$ delete from billing.model_pricing_history where provider_id = 'pgtap' $$,
  'PT409', null, 'nor is one deleted'
);
select throws_ok(
  $$ truncate billing.model_pricing_history $$, 'PT409', null, 'nor all of them'
);
insert into public.model_pricing (provider_id, model_id, display_name, input_per_1k, output_per_1k, source)
values ('pgtap', 'model', 'Test', 0.001, 0.002, 'test');
select is(
  (select count(*)::integer from versions where effective_to is null), 1,
  'a model that was deleted can be priced again'
);
delete from public.model_pricing where provider_id = 'pgtap';

select throws_ok(
  $$ insert into public.model_pricing (provider_id, model_id, display_name, input_per_1k, output_per_1k, source)
     values ('pgtap', 'million', 'Test', 2.5, 10, 'test') $$,
  '23514', null, 'lesson 28: a price per million where per thousand belongs is refused'
);
select throws_ok(
  $$ insert into public.model_pricing (provider_id, model_id, display_name, input_per_1k, output_per_1k, source)
     values ('pgtap', 'negative', 'Test', -0.001, 0.001, 'test') $$,
  '23514', null, 'so is a negative one'
);
select is_empty(
  $$ select m.provider_id, m.model_id from public.model_pricing m
     where not exists (
       select from billing.model_pricing_history h
       where h.price_version = m.price_version and h.effective_to is null
     ) $$,
  'every current price has its version in force'
);

select * from finish();
rollback;
