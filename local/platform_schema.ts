/**
 * What a new hosted Supabase project has before its first migration, as far as an app's SQL can
 * tell: roles, schemas, `auth.users`, the `auth.*()` functions and the default privileges.
 *
 * The tables of schema `auth` are those of @supabase/lite, which serves the Auth API here.
 */
import { getAuthSchemaSql } from "@supabase/lite";
import postgres from "postgres";

/**
 * Makes the database of `adminUrl` look like a new project. Can be run again: it only adds.
 * @param adminUrl connection string of the superuser, to the database to prepare.
 */
export async function preparePlatform(adminUrl: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.begin(async (transaction) => {
      // Roles belong to the cluster: two databases prepared at once must not both create them.
      await transaction`select pg_advisory_xact_lock(hashtext('farebox platform'))`;
      const password = new URL(adminUrl).password;
      await transaction.unsafe(rolesSql(password)).simple();
      await transaction.unsafe(SCHEMAS_SQL).simple();
      await transaction.unsafe("set local role supabase_auth_admin").simple();
      await transaction.unsafe(getAuthSchemaSql(false)).simple();
      await transaction.unsafe(AUTH_SQL).simple();
      await transaction.unsafe("reset role").simple();
    });
  } finally {
    await sql.end();
  }
}

/** The roles of a hosted project. `postgres` is not a superuser there either. */
function rolesSql(password: string): string {
  const roles: Record<string, string> = {
    anon: "nologin noinherit",
    authenticated: "nologin noinherit",
    service_role: "nologin noinherit bypassrls",
    authenticator: `login noinherit password '${password}'`,
    supabase_auth_admin: `login noinherit createrole password '${password}'`,
  };
  const create = Object.entries(roles).map(([name, attributes]) => `
    if not exists (select from pg_roles where rolname = '${name}') then
      create role ${name} ${attributes};
    end if;`);
  return `
    do $roles$ begin ${create.join("")} end $roles$;
    grant anon, authenticated, service_role to authenticator;
    grant anon, authenticated, service_role, authenticator to postgres with admin option;
    grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
    alter role anon set statement_timeout = '3s';
    alter role authenticated set statement_timeout = '8s';
    alter role authenticator set statement_timeout = '8s';
    alter role supabase_auth_admin set search_path = auth;
  `;
}

/** New projects grant the API roles the schema and nothing in it: tables need explicit grants. */
const SCHEMAS_SQL = `
  create schema if not exists auth authorization supabase_auth_admin;
  create schema if not exists extensions authorization postgres;
  create extension if not exists pgcrypto with schema extensions;
  create extension if not exists "uuid-ossp" with schema extensions;
  grant usage on schema public, extensions to anon, authenticated, service_role;
  grant usage on schema auth to anon, authenticated, service_role, postgres;
  do $search_path$ begin
    execute format('grant all on database %I to postgres', current_database());
    execute format('grant create on database %I to supabase_auth_admin', current_database());
    execute format(
      'alter database %I set search_path = "$user", public, extensions', current_database());
  end $search_path$;
`;

/**
 * The claims come from \`request.jwt.claims\` or, as older PostgREST set them and as many guides
 * still write, from one \`request.jwt.claim.<name>\` each.
 */
const AUTH_SQL = `
  create or replace function auth.uid() returns uuid language sql stable as $$
    select coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
  $$;

  create or replace function auth.role() returns text language sql stable as $$
    select coalesce(
      nullif(current_setting('request.jwt.claim.role', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
  $$;

  create or replace function auth.email() returns text language sql stable as $$
    select coalesce(
      nullif(current_setting('request.jwt.claim.email', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )
  $$;

  create or replace function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(
      nullif(current_setting('request.jwt.claim', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
  $$;

  grant all on all tables in schema auth to postgres;
  alter table auth.users enable row level security;
  alter table auth.identities enable row level security;
  alter table auth.sessions enable row level security;
  alter table auth.refresh_tokens enable row level security;
  alter table auth.flow_state enable row level security;
  alter table auth.audit_log_entries enable row level security;
`;
