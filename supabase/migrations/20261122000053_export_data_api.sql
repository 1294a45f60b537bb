-- A backup through the Data API: reading alone. No function of the API rewrites the ledger, so a
-- restore needs a connection to the database.

create function public.export_facts() returns json
language sql
stable
set search_path = ''
as $$
  select billing.export_facts();
$$;

create function public.export_page(
  p_table text,
  p_after json default null,
  p_limit integer default 1000
) returns json
language sql
stable
set search_path = ''
as $$
  select billing.export_page(p_table, p_after, p_limit);
$$;

-- PostgREST takes a function's own statement_timeout over the role's; it does so of the function that
-- it calls, not of the one within.
create function public.export_mark(p_table text) returns json
language sql
stable
set search_path = ''
set statement_timeout = '120s'
as $$
  select billing.export_mark(p_table);
$$;

select billing.only_for_service_role(array['export_page', 'export_mark', 'export_facts']);
