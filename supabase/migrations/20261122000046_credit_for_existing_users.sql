-- Credit for those who were there before Farebox, page by page of auth.users by id, so that nobody is
-- left out behind a first page. It has the key of the welcome credit: who has either has no more.

-- How many there are to grant to. A user whom nobody can be any more, and one who is not known yet,
-- is due nothing.
create function billing.users_count() returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'users', count(*),
    'anonymous', count(*) filter (where coalesce(u.is_anonymous, false)),
    'already', count(*) filter (where not coalesce(u.is_anonymous, false) and b.welcomed_at is not null),
    'due', count(*) filter (where not coalesce(u.is_anonymous, false) and b.welcomed_at is null)
  )
  from auth.users u
  left join public.user_balances b on b.user_id = u.id
  where u.deleted_at is null;
$$;

-- Grants to those of one page, in one transaction: a run that is cut off is begun again, from the
-- start or from the last page. p_after null: the first page. Concurrent sign-ups, first requests and
-- runs of itself wait for one another at the account, and find it welcomed.
create function billing.init_users(p_amount text, p_after uuid, p_limit integer) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  amount constant numeric := billing.parse_usd(p_amount);
  note constant text := 'Credit for existing users';
  page uuid[];
  known uuid[];
  decided uuid;
  granted integer;
begin
  if amount <= 0 or amount > 1000000 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('Cannot grant %s USD to every user.', billing.usd(amount)),
      'Grant an amount above zero, and of a million at the most.'
    );
  end if;
  if p_limit is null or p_limit not between 1 and 5000 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', format('A page of %s users is not possible.', coalesce(p_limit::text, 'null')),
      'Take 1 to 5000 users at once.'
    );
  end if;

  select
    array_agg(u.id order by u.id),
    coalesce(array_agg(u.id order by u.id) filter (where not coalesce(u.is_anonymous, false)), '{}')
  into page, known
  from (
    select * from auth.users a
    where a.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000') and a.deleted_at is null
    order by a.id
    limit p_limit
  ) u;

  -- All accounts first and in order, then all mailboxes in order, as welcoming one takes its account
  -- and then its mailbox: no first request, and no other run, can wait for us while we wait for it.
  insert into public.user_balances (user_id)
  select id from unnest(known) id order by id
  on conflict do nothing;
  perform from public.user_balances b
  where b.user_id = any (known)
  order by b.user_id
  for no key update;
  perform pg_advisory_xact_lock(k) from (
    select distinct hashtextextended('farebox:sign-up:' || d.email_hash, 0) as k
    from billing.sign_up_decisions d
    where d.user_id = any (known) and d.decision <> 'reject'
    order by k
  ) mailboxes;

  -- Who signed up after Farebox came has what was decided then, though a trigger may have missed it.
  for decided in
    select d.user_id from billing.sign_up_decisions d
    where d.user_id = any (known) and d.decision <> 'reject'
    order by d.user_id
  loop
    perform billing.lock_account(decided);
  end loop;

  with due as (
    select b.user_id, b.balance from public.user_balances b
    where b.user_id = any (known) and b.welcomed_at is null
    order by b.user_id
    for no key update
  ),
  written as (
    insert into public.balance_transactions (
      user_id, kind, amount, balance_after, idempotency_key, note
    )
    select d.user_id, 'grant', amount, d.balance + amount, 'welcome:' || d.user_id, note
    from due d
    order by d.user_id
    on conflict (idempotency_key) do nothing
    returning user_id
  ),
  credited as (
    update public.user_balances b
    set
      balance = b.balance + case when w.user_id is null then 0 else amount end,
      welcomed_at = clock_timestamp(),
      updated_at = clock_timestamp()
    from due d
    left join written w on w.user_id = d.user_id
    where b.user_id = d.user_id
    returning w.user_id
  )
  select count(c.user_id) into granted from credited c;

  return jsonb_build_object(
    'granted', granted,
    'already', cardinality(known) - granted,
    'anonymous', coalesce(cardinality(page), 0) - cardinality(known),
    'last', coalesce(page[cardinality(page)], p_after),
    'done', coalesce(cardinality(page), 0) < p_limit
  );
end
$$;

-- Whom to tell of it: a page of users with their addresses. p_to 'credited': who has that credit;
-- 'all': everybody who is known. amount is null for who has not got it.
create function billing.users_to_tell(p_to text, p_after uuid, p_limit integer) returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  answer jsonb;
begin
  if p_to is null or p_to not in ('credited', 'all') or p_limit is null or p_limit not between 1 and 5000 then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'Cannot list these users.', 'Ask for credited or all, 1 to 5000 at once.'
    );
  end if;
  select jsonb_build_object(
    'users', coalesce(jsonb_agg(
      jsonb_build_object(
        'user_id', p.id, 'email', p.email, 'name', p.name, 'amount', billing.usd(p.amount),
        'balance', billing.usd(p.balance)
      ) order by p.id
    ), '[]'),
    'last', coalesce((array_agg(p.id order by p.id desc))[1], p_after),
    'done', count(*) < p_limit
  ) into answer
  from (
    select
      u.id,
      nullif(u.email, '') as email,
      coalesce(u.raw_user_meta_data ->> 'full_name', u.raw_user_meta_data ->> 'name') as name,
      t.amount,
      coalesce(b.balance, 0) as balance
    from auth.users u
    left join public.user_balances b on b.user_id = u.id
    left join public.balance_transactions t
      on t.idempotency_key = 'welcome:' || u.id and t.note = 'Credit for existing users'
    where u.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
      and u.deleted_at is null
      and not coalesce(u.is_anonymous, false)
      -- The doctor's own users.
      and coalesce(u.email, '') !~ '^doctor-[0-9a-f-]{36}@example\.com$'
      and (p_to = 'all' or t.id is not null)
    order by u.id
    limit p_limit
  ) p;
  return answer;
end
$$;

create function public.users_count() returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.users_count();
$$;

create function public.init_users(p_amount text, p_after uuid default null, p_limit integer default 500)
returns jsonb
language sql
volatile
set search_path = ''
as $$
  select billing.init_users(p_amount, p_after, p_limit);
$$;

create function public.users_to_tell(
  p_to text default 'credited',
  p_after uuid default null,
  p_limit integer default 500
) returns jsonb
language sql
stable
set search_path = ''
as $$
  select billing.users_to_tell(p_to, p_after, p_limit);
$$;

select billing.only_for_service_role(array['users_count', 'init_users', 'users_to_tell']);
