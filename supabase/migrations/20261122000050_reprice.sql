-- After a wrong price: what each charge should have cost, and what was paid too much given back. What
-- was paid too little is told, and never taken.

-- The price that was right: a version of the model's, or the one in force. Refuses what is neither.
create function billing.right_version(p_provider_id text, p_model_id text, p_version bigint)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
  version bigint;
begin
  if p_version is null then
    return (billing.current_price(p_provider_id, p_model_id)).price_version;
  end if;
  select h.price_version into version from billing.model_pricing_history h
  where h.price_version = p_version
    and h.provider_id = p_provider_id and h.model_id = p_model_id;
  if version is null then
    perform billing.refuse(
      404, 'MODEL_NOT_FOUND',
      format('Version %s is no price of %s:%s.', p_version, p_provider_id, p_model_id),
      format('`farebox prices history %s:%s` lists its versions.', p_provider_id, p_model_id),
      jsonb_build_object('model', p_provider_id || ':' || p_model_id)
    );
  end if;
  return version;
end
$$;

-- What a request should have cost, against what it did. USD, markup included.
create type billing.repriced as (
  request_id uuid,
  user_id uuid,
  charged_at timestamptz,
  cost numeric,
  right_cost numeric,
  -- Collected, less what was given back for whatever reason.
  paid numeric,
  -- Paid beyond the right cost: can be given back.
  over numeric,
  -- What the price, and no other cause, left out of the charge.
  under numeric
);

-- One charge, with its correction, at another price: its tokens, sound, images and searches at those
-- of the version, by the tier of its prompt, with the markup that it had. What other models used of
-- it costs what it did.
create function billing.reprice(
  p_charge public.usage_records,
  p_correction public.usage_records,
  p_version bigint
) returns billing.repriced
language plpgsql
stable
set search_path = ''
as $$
declare
  whole public.usage_records := p_charge;
  result billing.repriced;
  by_price numeric;
begin
  if p_correction.request_id is not null then
    whole := billing.as_one(p_charge, p_correction);
  end if;
  result.request_id := p_charge.request_id;
  result.user_id := p_charge.user_id;
  result.charged_at := p_charge.created_at;
  result.cost := whole.cost;
  whole.price_version := p_version;
  result.right_cost := billing.marked_up(
    billing.cost_of_charge(whole), whole.markup_basis_points
  );
  result.paid := whole.collected - billing.refunded(p_charge.request_id);
  result.over := case
    when p_charge.user_id is null then 0
    else greatest(result.paid - result.right_cost, 0)
  end;
  -- Where an earlier repricing gave back too much, that counts as not charged. Other refunds do not.
  select coalesce(sum(t.amount), 0) into by_price
  from public.balance_transactions t
  where t.request_id = p_charge.request_id
    and t.idempotency_key like 'reprice:%';
  result.under := greatest(result.right_cost - (whole.cost - by_price), 0);
  return result;
end
$$;

-- A page of the charges of a model in [p_from, p_to), oldest first, after one of them.
create function billing.charges_to_reprice(
  p_provider_id text,
  p_model_id text,
  p_from timestamptz,
  p_to timestamptz,
  p_version bigint,
  p_after uuid,
  p_limit integer
) returns setof billing.repriced
language plpgsql
stable
rows 100
set search_path = ''
as $$
declare
  after_at constant timestamptz := (
    select u.created_at from public.usage_records u
    where u.request_id = p_after and u.sequence = 0
  );
begin
  return query
  select repriced.*
  from (
    select u.request_id
    from public.usage_records u
    left join public.usage_records c on c.request_id = u.request_id and c.sequence = 1
    where u.sequence = 0
      and u.created_at >= greatest(p_from, after_at)
      and u.created_at < p_to
      -- A correction knows who answered; a charge at a checkpoint only guesses.
      and coalesce(c.provider_id, u.provider_id) = p_provider_id
      and coalesce(c.model_id, u.model_id) = p_model_id
      and (after_at is null or (u.created_at, u.request_id) > (after_at, p_after))
    order by u.created_at, u.request_id
    limit p_limit
  ) page
  join public.usage_records u on u.request_id = page.request_id and u.sequence = 0
  left join public.usage_records c on c.request_id = page.request_id and c.sequence = 1
  cross join lateral billing.reprice(u, c, p_version) repriced
  order by u.created_at, u.request_id;
end
$$;

-- A page as it travels: sums by user, of which a null one is all guests, and where the next begins;
-- `next` is null on the last page.
create function billing.repriced_as_json(p_page billing.repriced[], p_version bigint, p_limit integer)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'price_version', p_version,
    'users', coalesce(
      (
        select jsonb_agg(
          jsonb_build_object(
            'user_id', sums.user_id,
            'requests', sums.requests,
            'cost', billing.usd(sums.cost),
            'right_cost', billing.usd(sums.right_cost),
            'paid', billing.usd(sums.paid),
            'over', billing.usd(sums.over),
            'under', billing.usd(sums.under)
          )
          order by sums.user_id
        )
        from (
          select
            p.user_id, count(*) as requests, sum(p.cost) as cost, sum(p.right_cost) as right_cost,
            sum(p.paid) as paid, sum(p.over) as over, sum(p.under) as under
          from unnest(p_page) p
          group by p.user_id
        ) sums
      ),
      '[]'
    ),
    'next', case
      when cardinality(p_page) = p_limit then jsonb_build_object(
        'after', (p_page[p_limit]).request_id, 'charged_at', (p_page[p_limit]).charged_at
      )
    end
  );
$$;

-- Refuses a range and a page that are none.
create function billing.refuse_bad_range(p_from timestamptz, p_to timestamptz, p_limit integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_from is null or p_to is null or p_from >= p_to or p_limit is null
    or p_limit not between 1 and 5000
  then
    perform billing.refuse(
      400, 'INVALID_ARGUMENT', 'A range begins before it ends, and a page has 1 to 5,000 charges.',
      'Send p_from, p_to and p_limit so.'
    );
  end if;
end
$$;

-- What repricing would come to: reads only.
create function billing.reprice_plan(
  p_provider_id text,
  p_model_id text,
  p_from timestamptz,
  p_to timestamptz,
  p_version bigint,
  p_after uuid,
  p_limit integer
) returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  version constant bigint := billing.right_version(p_provider_id, p_model_id, p_version);
begin
  perform billing.refuse_bad_range(p_from, p_to, p_limit);
  return billing.repriced_as_json(
    array(
      select page from billing.charges_to_reprice(
        p_provider_id, p_model_id, p_from, p_to, version, p_after, p_limit
      ) page
    ),
    version, p_limit
  );
end
$$;

-- Gives back what a page of charges was paid too much, each by a refund of its request, in one
-- transaction. What was given back counts as not paid: repeated or overlapping runs give nothing
-- twice. Beside the page: how many refunds there were, and of how much.
create function billing.reprice_page(
  p_provider_id text,
  p_model_id text,
  p_from timestamptz,
  p_to timestamptz,
  p_version bigint,
  p_after uuid,
  p_limit integer
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  version constant bigint := billing.right_version(p_provider_id, p_model_id, p_version);
  page billing.repriced[];
  charge billing.repriced;
  key text;
  refunds integer := 0;
  refunded numeric := 0;
begin
  perform billing.refuse_bad_range(p_from, p_to, p_limit);
  page := array(
    select p from billing.charges_to_reprice(
      p_provider_id, p_model_id, p_from, p_to, version, p_after, p_limit
    ) p
  );
  -- Accounts in sorted order, as everywhere. What was paid is then read anew: a correction or another
  -- refund may have come before the lock.
  perform from public.user_balances b
  where b.user_id in (select p.user_id from unnest(page) p where p.over > 0)
  order by b.user_id
  for no key update;
  for charge in
    select again.*
    from unnest(page) p
    join public.usage_records u on u.request_id = p.request_id and u.sequence = 0
    left join public.usage_records c on c.request_id = p.request_id and c.sequence = 1
    cross join lateral billing.reprice(u, c, version) again
    where p.over > 0 and again.over > 0
  loop
    -- Numbered: a charge that was corrected after its repricing can be too much once more. The
    -- account is locked, and what was given back counts as not paid, so nothing is given twice.
    key := format(
      'reprice:%s:%s:%s', charge.request_id, version, (
        select count(*) from public.balance_transactions t
        where t.request_id = charge.request_id and t.idempotency_key like 'reprice:%'
      )
    );
    perform billing.refund(
      charge.request_id, billing.usd(charge.over), key,
      format('Repriced: %s:%s at price version %s', p_provider_id, p_model_id, version)
    );
    refunds := refunds + 1;
    refunded := refunded + charge.over;
  end loop;
  return billing.repriced_as_json(page, version, p_limit) || jsonb_build_object(
    'refunds', refunds, 'refunded', billing.usd(refunded)
  );
end
$$;

revoke all on function billing.right_version(text, text, bigint) from public;
revoke all on function billing.reprice(public.usage_records, public.usage_records, bigint)
  from public;
revoke all on function billing.charges_to_reprice(
  text, text, timestamptz, timestamptz, bigint, uuid, integer
) from public;
revoke all on function billing.repriced_as_json(billing.repriced[], bigint, integer) from public;
revoke all on function billing.refuse_bad_range(timestamptz, timestamptz, integer) from public;
revoke all on function billing.reprice_plan(
  text, text, timestamptz, timestamptz, bigint, uuid, integer
) from public;
revoke all on function billing.reprice_page(
  text, text, timestamptz, timestamptz, bigint, uuid, integer
) from public;
