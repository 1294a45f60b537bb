-- The ledger's rows are found by their keys, from the first one on.
--
-- A connection keeps the plan of a statement. One that was made while the ledger was empty reads the
-- whole table, for that is cheapest then, and goes on to do so while the table grows: until PostgreSQL
-- has counted its rows again, which may take a minute, a request costs the more the more there were
-- before it. So what each request calls makes its plans as if to read a whole table were dear.
-- (enable_seqscan = off would do the same, and have tables without a key compiled by JIT.)
alter function billing.reserve(
  billing.reservations, integer, integer, text, boolean, text[]
) set seq_page_cost = 1000;
alter function billing.extend(uuid, integer, integer, integer) set seq_page_cost = 1000;
alter function billing.settle(public.usage_records, text, jsonb, text) set seq_page_cost = 1000;
alter function billing.release(uuid, text) set seq_page_cost = 1000;

-- Every reserve asks: as plpgsql it is planned once.
create or replace function billing.weaker_enforcement(p_one text, p_other text) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case
    when 'off' in (p_one, p_other) then 'off'
    when 'observe' in (p_one, p_other) then 'observe'
    else 'enforce'
  end;
end
$$;
