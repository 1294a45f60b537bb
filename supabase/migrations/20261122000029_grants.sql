-- Functions are executable by everybody unless that is taken away: from all new ones, and given back
-- to service_role for the two that the Data API wraps.

revoke all on all functions in schema billing from public, anon, authenticated;

do $$
declare
  signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.proname in ('reserve', 'settle')
      and p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
  loop
    execute format('revoke all on function %s from public, anon, authenticated', signature);
    execute format('grant execute on function %s to service_role', signature);
  end loop;
end
$$;
