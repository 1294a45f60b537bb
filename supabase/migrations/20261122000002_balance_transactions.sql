-- Credits and corrections. With usage_records they are the ledger:
-- balance = sum(balance_transactions.amount) - sum(usage_records.collected), for every user.

create table public.balance_transactions (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  kind text not null,
  amount numeric(20,10) not null,
  balance_after numeric(20,10) not null,
  idempotency_key text not null,
  request_id uuid,
  note text,
  created_at timestamptz not null default clock_timestamp(),
  constraint balance_transactions_key_is_unique unique (idempotency_key),
  constraint kind_is_known check (kind in ('grant', 'top_up', 'refund', 'adjustment')),
  constraint amounts_are_numbers check ('NaN' not in (amount, balance_after)),
  constraint only_an_adjustment_may_debit check (amount > 0 or (kind = 'adjustment' and amount <> 0)),
  constraint a_refund_names_its_request check ((kind = 'refund') = (request_id is not null)),
  constraint key_is_not_empty check (length(idempotency_key) between 1 and 255),
  constraint balance_after_is_not_negative check (balance_after >= 0)
);
comment on table public.balance_transactions is
  'Credits and corrections, append-only, unique by idempotency key.';

create index balance_transactions_user_idx
  on public.balance_transactions (user_id, created_at desc);
create index balance_transactions_request_idx
  on public.balance_transactions (request_id) where request_id is not null;

alter table public.balance_transactions enable row level security;
revoke all on public.balance_transactions from public, anon, authenticated, service_role;
revoke all on sequence public.balance_transactions_id_seq
  from public, anon, authenticated, service_role;
grant select on public.balance_transactions to authenticated, service_role;
create policy "users read their own transactions" on public.balance_transactions
  for select to authenticated using ((select auth.uid()) = user_id);

-- The ledger is immutable for everybody, its owner included: a mistake is corrected by a new row.
create function billing.refuse_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT409',
    message = format('Cannot %s %I as ledger rows are immutable.', lower(tg_op), tg_table_name),
    hint = 'Correct a mistake with a new row: public.refund or public.grant_credit(kind adjustment).',
    detail = jsonb_build_object('code', 'LEDGER_IS_IMMUTABLE')::text;
end
$$;
revoke all on function billing.refuse_change() from public;

create trigger usage_records_are_immutable
  before update or delete or truncate on public.usage_records
  for each statement execute function billing.refuse_change();
create trigger balance_transactions_are_immutable
  before update or delete or truncate on public.balance_transactions
  for each statement execute function billing.refuse_change();

-- One statement of account: what came in and what went out, in order, with the balance after each.
create view public.account_statement
with (security_invoker = true) as
select
  t.user_id,
  t.created_at,
  t.kind,
  t.amount,
  t.balance_after,
  t.request_id,
  t.note as description
from public.balance_transactions t
union all
select
  u.user_id,
  u.created_at,
  case u.sequence when 0 then 'charge' else 'charge_correction' end,
  -u.collected,
  u.balance_after,
  u.request_id,
  u.provider_id || ':' || u.model_id
from public.usage_records u
where u.user_id is not null;
comment on view public.account_statement is
  'The ledger of the reader: balance_transactions and usage_records as one list.';

revoke all on public.account_statement from public, anon, authenticated, service_role;
grant select on public.account_statement to authenticated, service_role;
