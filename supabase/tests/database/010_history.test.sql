-- Chat history: its owner reads and deletes it, nobody else sees it, nobody writes it but the proxy, and
-- it ends with its account or with its time.
begin;
create extension if not exists pgtap with schema extensions;
select plan(28);

insert into auth.users (id, email) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'farebox-test-ada@example.com'),
  ('aaaaaaaa-0000-4000-8000-000000000002', 'farebox-test-bob@example.com');
create temporary table asked (name text, user_id uuid, request_id uuid default gen_random_uuid());
insert into asked (name, user_id) values
  ('ada', 'aaaaaaaa-0000-4000-8000-000000000001'),
  ('ada again', 'aaaaaaaa-0000-4000-8000-000000000001'),
  ('bob', 'aaaaaaaa-0000-4000-8000-000000000002');
grant select on asked to anon, authenticated, service_role;

set local role service_role;
select public.save_exchange(
  request_id, user_id, 'chat-1', 'openai-chat', 'openai:gpt-4o', '{"model": "gpt-4o"}',
  'Hello', encode('data: hello', 'base64'), 'text/event-stream'
) as "#" from asked;
select lives_ok(
  $$ select public.save_exchange(
       request_id, user_id, null, 'gemini', 'google:other', '{}', 'Other', null, null
     ) from asked $$,
  'saving again is no error'
);
select throws_ok(
  $$ insert into public.chat_exchanges (request_id, user_id, dialect, model, answer)
     select gen_random_uuid(), user_id, 'gemini', 'a:b', '' from asked $$,
  '42501', null, 'service_role writes through the function alone'
);
select throws_ok(
  'delete from public.chat_exchanges', '42501', null, 'and deletes no history of users'
);
reset role;
select is(
  (select count(*)::integer from public.chat_exchanges where answer = 'Hello'), 3,
  'and it changes nothing'
);
select is(
  (select convert_from(response, 'utf8') from public.chat_exchanges limit 1), 'data: hello',
  'the bytes are as they were given'
);
select lives_ok(
  $$ select public.save_exchange(
       gen_random_uuid(), gen_random_uuid(), null, 'gemini', 'a:b', '{}', '', null, null
     ) $$,
  'an account that was deleted meanwhile is no error'
);
select is((select count(*)::integer from public.chat_exchanges), 3, 'and gets no row');
select throws_ok(
  $$ select public.save_exchange(
       gen_random_uuid(), user_id, null, 'gemini', 'a:b', '{}', '',
       encode(convert_to(repeat('x', 4194305), 'utf8'), 'base64'), 'text/plain'
     ) from asked where name = 'ada' $$,
  '23514', null, 'more than 4 MiB are not kept'
);

-- What a retry is given.
select is(
  public.ended_request(user_id, request_id) #>> '{exchange,response_type}', 'text/event-stream',
  'the stored answer of an own request is found'
) from asked where name = 'ada';
select is(
  public.ended_request('aaaaaaaa-0000-4000-8000-000000000002', request_id),
  '{"exchange": null, "receipt": null, "ended_ms_ago": null}',
  'of another user''s nothing is told'
) from asked where name = 'ada';

-- The owner, by the claims of today.
select set_config('request.jwt.claims',
  '{"sub":"aaaaaaaa-0000-4000-8000-000000000001","role":"authenticated"}', true) as "#";
set local role authenticated;
select is((select count(*)::integer from public.chat_exchanges), 2, 'a user sees the own exchanges');
select is_empty(
  $$ select from public.chat_exchanges where user_id = 'aaaaaaaa-0000-4000-8000-000000000002' $$,
  'another user''s are not there, asked for by id'
);
select throws_ok(
  $$ insert into public.chat_exchanges (request_id, user_id, dialect, model, answer)
     values (gen_random_uuid(), 'aaaaaaaa-0000-4000-8000-000000000001', 'gemini', 'a:b', '') $$,
  '42501', null, 'a user writes none'
);
select throws_ok(
  $$ update public.chat_exchanges set answer = 'Else' $$, '42501', null, 'and changes none'
);
select throws_ok(
  'truncate public.chat_exchanges', '42501', null, 'nor empties the table'
);
delete from public.chat_exchanges where user_id = 'aaaaaaaa-0000-4000-8000-000000000002';
reset role;
select is(
  (select count(*)::integer from public.chat_exchanges), 3, 'deleting another user''s deletes nothing'
);
set local role authenticated;
delete from public.chat_exchanges e using asked a
where e.request_id = a.request_id and a.name = 'ada again';
select is((select count(*)::integer from public.chat_exchanges), 1, 'an own one can be deleted');

-- And by the claims of the original guide.
reset role;
select set_config('request.jwt.claims', '', true) as "#";
set local role authenticated;
set local request.jwt.claim.sub = 'aaaaaaaa-0000-4000-8000-000000000002';
select is(
  (select array_agg(user_id) from public.chat_exchanges),
  array['aaaaaaaa-0000-4000-8000-000000000002'::uuid],
  'old GUC: a user sees the own exchange'
);
set local request.jwt.claim.sub = '';
select is_empty('select from public.chat_exchanges', 'a token without sub sees nothing');
set local role anon;
select throws_ok('select from public.chat_exchanges', '42501', null, 'anon reads none');
select throws_ok('delete from public.chat_exchanges', '42501', null, 'anon deletes none');
select throws_ok(
  $$ select public.ended_request(null, null) $$, '42501', null, 'anon asks for no ended request'
);

-- Time.
reset role;
update public.chat_exchanges set created_at = now() - interval '31 days'
where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
select billing.prune(10) as "#";
select is(
  (select count(*)::integer from public.chat_exchanges), 2, 'nothing is forgotten where no days are set'
);
update billing.settings set chat_history_days = 31;
update public.chat_exchanges set created_at = now() - interval '30 days 23 hours'
where user_id = 'aaaaaaaa-0000-4000-8000-000000000002';
update public.chat_exchanges set created_at = now() - interval '31 days 1 second'
where user_id = 'aaaaaaaa-0000-4000-8000-000000000001';
select public.expire() as "#";
select is(
  (select array_agg(user_id) from public.chat_exchanges),
  array['aaaaaaaa-0000-4000-8000-000000000002'::uuid],
  'the sweeper forgets what is older than chat_history_days, and nothing younger'
);

-- The end of the account.
delete from auth.users where id = 'aaaaaaaa-0000-4000-8000-000000000002';
select is_empty('select from public.chat_exchanges', 'history ends with its account');

select is_empty(
  $$ select c.conname from pg_constraint c
     where c.contype = 'f' and c.conrelid = 'public.chat_exchanges'::regclass
       and not exists (
         select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1]
       ) $$,
  'its foreign key has an index'
);
select ok(
  not has_function_privilege('authenticated', 'public.save_exchange(uuid,uuid,text,text,text,jsonb,text,text,text)', 'execute'),
  'users cannot execute save_exchange'
);
select ok(
  has_function_privilege('service_role', 'public.save_exchange(uuid,uuid,text,text,text,jsonb,text,text,text)', 'execute'),
  'service_role can'
);

select * from finish();
rollback;
