-- Guests: three answered exchanges in a window, held by token and by address.
begin;
create extension if not exists pgtap with schema extensions;
select plan(13);

update billing.settings set guest_window_hours = 24, reservation_ttl_seconds = 90;
create function pg_temp.ask(p_request integer, p_token text, p_address text) returns jsonb
language sql as $$
  select public.reserve(('bbbbbbbb-0000-4000-8000-' || lpad(p_request::text, 12, '0'))::uuid,
    null, p_token, p_address, 3, 'openai', 'gpt-4o', 100, 100, null, null, null)
$$;
create function pg_temp.answer(p_request integer) returns jsonb language sql as $$
  select public.settle(('bbbbbbbb-0000-4000-8000-' || lpad(p_request::text, 12, '0'))::uuid,
    10, 0, 0, 0, 10, 'reported')
$$;
create function pg_temp.fail(p_request integer) returns jsonb language sql as $$
  select public.release(('bbbbbbbb-0000-4000-8000-' || lpad(p_request::text, 12, '0'))::uuid, 'failed')
$$;

select is((pg_temp.ask(1, 'pgtap-t', 'pgtap-a') ->> 'guest_exchanges_left')::integer, 2, 'the first of three');
select is(pg_temp.answer(1) ->> 'collected', '0', 'costs the guest nothing');
select is(
  (select cost from public.usage_records where request_id = 'bbbbbbbb-0000-4000-8000-000000000001'),
  0.000125::numeric, 'but the house knows what it cost'
);
select pg_temp.ask(2, 'pgtap-t', 'pgtap-a') as "#";
select pg_temp.ask(3, 'pgtap-t', 'pgtap-a') as "#";
select throws_ok($$ select pg_temp.ask(4, 'pgtap-t', 'pgtap-a') $$, 'PT429', null,
  'pending exchanges hold their place');
select pg_temp.fail(3) as "#";
select lives_ok($$ select pg_temp.ask(4, 'pgtap-t', 'pgtap-a') $$, 'what was not answered does not count');
select pg_temp.answer(2), pg_temp.answer(4) as "#";
select throws_ok($$ select pg_temp.ask(5, 'pgtap-t', 'pgtap-a') $$, 'PT429', null, 'there is no fourth');
select throws_ok($$ select pg_temp.ask(5, 'pgtap-other', 'pgtap-a') $$, 'PT429', null,
  'a new token from the same address buys nothing');
select throws_ok($$ select pg_temp.ask(5, 'pgtap-t', 'pgtap-elsewhere') $$, 'PT429', null,
  'nor does the same token from elsewhere');
select lives_ok($$ select pg_temp.ask(5, 'pgtap-new', 'pgtap-new') $$, 'another guest is not affected');
select is(
  public.guest_status('pgtap-t', 'pgtap-a', 3) - 'window_ends_at', '{"limit":3,"left":0}'::jsonb,
  'the status says so'
);
select isnt(public.guest_status('pgtap-t', 'pgtap-a', 3) ->> 'window_ends_at', null, 'and until when');

update billing.guest_exchanges set window_started_at = now() - interval '24 hours'
where holder in ('token:pgtap-t', 'address:pgtap-a');
select is((public.guest_status('pgtap-t', 'pgtap-a', 3) ->> 'left')::integer, 3, 'after 24 hours');
select is((pg_temp.ask(6, 'pgtap-t', 'pgtap-a') ->> 'guest_exchanges_left')::integer, 2, 'it starts anew');

select * from finish();
rollback;
