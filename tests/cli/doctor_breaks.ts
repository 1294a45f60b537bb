/** For each line of the doctor one way to break a stack so that this line alone is ✗. */
import type { Fault } from "./breaking_proxy.ts";
import type { Clinic, Keys } from "./doctor_harness.ts";

export interface Break {
  /** The line that must be ✗. */
  readonly line: string;
  /** What is done to the stack, as a fact. */
  readonly what: string;
  /** SQL as role `postgres`, and what undoes it. */
  readonly sql?: string;
  readonly undo?: string;
  /** The same as the owner of schema auth; undone first. */
  readonly authSql?: string;
  readonly authUndo?: string;
  readonly fault?: (clinic: Clinic) => Fault;
  readonly keys?: (clinic: Clinic) => Keys;
}

/** Answers the requests that match itself; the others pass. */
function instead(
  matches: (request: Request, path: string) => boolean,
  answer: () => Response,
): () => Fault {
  return () => (request, forward) =>
    matches(request, pathOf(request)) ? answer() : forward(request);
}

/** Changes the text of the answers to the requests that match. */
function changed(
  matches: (request: Request, path: string) => boolean,
  change: (text: string) => string,
): () => Fault {
  return () => async (request, forward) => {
    const isMeant = matches(request, pathOf(request));
    const response = await forward(request);
    if (!isMeant || response.body === null) return response;
    return new Response(change(await response.text()), response);
  };
}

function pathOf(request: Request): string {
  return new URL(request.url).pathname;
}

/** Whether a request comes with a user's token, which is the one credential with dots. */
function isOfUser(request: Request): boolean {
  return request.headers.get("authorization")?.includes(".") === true;
}

function isOfGuest(request: Request): boolean {
  return request.headers.get("authorization")?.includes("sb_publishable_") === true;
}

const CHAT = "/functions/v1/chat-proxy/v1/chat/completions";
const notFound = () =>
  Response.json({ code: "NOT_FOUND", message: "Requested function was not found" }, {
    status: 404,
  });

/** pg_cron's tables as far as the doctor looks, with these jobs. */
function cronWith(...jobs: string[]): string {
  return `
    create schema cron;
    create table cron.job (jobid bigint, jobname text, schedule text, active boolean);
    create table cron.job_run_details (
      jobid bigint, runid bigint, status text, return_message text
    );
    ${jobs.map((job) => `insert into cron.job values ${job};`).join("\n")}`;
}

/** A function that gives or takes, called by a trigger that is not Farebox's. */
function rogue(amount: string, user: string): string {
  return `
    create function public.rogue() returns trigger language plpgsql security definer as $$
    begin
      perform billing.grant_credit(
        new.${user}, '${amount}', 'adjustment', 'rogue:' || new.${user}, null
      );
      return null;
    end $$;`;
}

const PROJECT_BREAKS: readonly Break[] = [
  {
    line: "reachable",
    what: "the project is down",
    fault: instead(() => true, () => new Response("down", { status: 503 })),
  },
  {
    line: "secret_key",
    what: "the secret key is another project's",
    keys: () => ({ secretKey: "sb_secret_of_another_project" }),
  },
  {
    line: "publishable_key",
    what: "the secret key was given as the publishable one",
    keys: ({ stack }) => ({ publishableKey: stack.details.secretKey }),
  },
];

/** `billing.usd` with this body. */
function usdWith(body: string): string {
  return `
    create or replace function billing.usd(p_amount numeric) returns text
    language sql immutable set search_path = '' as $$${body}$$;`;
}

const DATABASE_BREAKS: readonly Break[] = [
  {
    line: "migrations",
    what: "a migration is not recorded as applied, though later ones are",
    sql: `update supabase_migrations.schema_migrations set version = '1' || version
      where version = '20261122000029'`,
    undo: `update supabase_migrations.schema_migrations set version = substr(version, 2)
      where version = '120261122000029'`,
  },
  {
    line: "tables",
    what: "a table has another name",
    sql: "alter table billing.usage_of_other_models rename to elsewhere",
    undo: "alter table billing.elsewhere rename to usage_of_other_models",
  },
  {
    line: "models",
    what: "a seeded model was deleted",
    sql: `create table extensions.kept as select * from public.model_pricing
        where model_id = 'grok-4';
      delete from public.model_pricing where model_id = 'grok-4'`,
    undo: `insert into public.model_pricing select * from extensions.kept;
      drop table extensions.kept`,
  },
  {
    line: "row_security",
    what: "row security is off on one table",
    sql: "alter table billing.incidents disable row level security",
    undo: "alter table billing.incidents enable row level security",
  },
  {
    line: "policies",
    what: "a policy lets everybody see every balance",
    sql: `alter policy "users read their own balance" on public.user_balances using (true)`,
    undo: `alter policy "users read their own balance" on public.user_balances
      using ((select auth.uid()) = user_id)`,
  },
  {
    line: "policies",
    what: "there is one policy more",
    sql: `create policy "rogue" on public.usage_records for select to authenticated using (true)`,
    undo: `drop policy "rogue" on public.usage_records`,
  },
  {
    line: "indexes",
    what: "an index was dropped",
    sql: "drop index public.usage_records_chat_idx",
    undo: `create index usage_records_chat_idx
      on public.usage_records (user_id, chat_id) where chat_id is not null`,
  },
  {
    line: "constraints",
    what: "a constraint was dropped",
    sql: "alter table public.user_balances drop constraint reserved_is_within_balance",
    undo: `alter table public.user_balances add constraint reserved_is_within_balance
      check (reserved <= balance)`,
  },
  {
    line: "ledger_functions",
    what: "a function was edited by hand",
    sql: usdWith("\n  select trim_scale(p_amount)::text; -- edited\n"),
    undo: usdWith("\n  select trim_scale(p_amount)::text;\n"),
  },
  {
    line: "ledger_triggers",
    what: "the ledger's immutability is switched off",
    sql: "alter table public.usage_records disable trigger usage_records_are_immutable",
    undo: "alter table public.usage_records enable trigger usage_records_are_immutable",
  },
  {
    line: "sign_up_triggers",
    what: "the trigger on auth.users was switched off",
    authSql: "alter table auth.users disable trigger farebox_welcome_new_user",
    authUndo: "alter table auth.users enable trigger farebox_welcome_new_user",
  },
  {
    line: "price_of_gpt_4o",
    what: "gpt-4o is sold for nothing",
    sql: "update public.model_pricing set input_per_1k = 0 where model_id = 'gpt-4o'",
    undo: "update public.model_pricing set input_per_1k = 0.0025 where model_id = 'gpt-4o'",
  },
  {
    line: "roles",
    what: "signed-in users may execute a money function",
    sql: "grant execute on function public.expire(integer) to authenticated",
    undo: "revoke execute on function public.expire(integer) from authenticated",
  },
  {
    line: "roles",
    what: "anon may write one column of a table",
    sql: "grant update (balance) on public.user_balances to anon",
    undo: "revoke update (balance) on public.user_balances from anon",
  },
  {
    line: "service_role",
    what: "the functions may not execute one of the ledger's",
    sql: `revoke execute on function public.transactions_list(uuid, integer, text)
      from service_role`,
    undo: `grant execute on function public.transactions_list(uuid, integer, text)
      to service_role`,
  },
  {
    line: "settings",
    what: "reservations expire between two heartbeats",
    sql: "update billing.settings set reservation_ttl_seconds = 10",
    undo: "update billing.settings set reservation_ttl_seconds = 90",
  },
  {
    line: "sweeper",
    what: "pg_cron is there without the sweeper's job",
    sql: cronWith(),
    undo: "drop schema cron cascade",
  },
  {
    line: "alerts",
    what: "the alerts' job is switched off",
    sql: cronWith(
      "(1, 'farebox-expire', '30 seconds', true)",
      "(2, 'farebox-alerts', '* * * * *', false)",
    ),
    undo: "drop schema cron cascade",
  },
  {
    line: "reconcile",
    what: "a balance was tampered with",
    sql: `update public.user_balances set balance = balance + 1
      where user_id = (select min(user_id::text)::uuid from public.user_balances)`,
    undo: `update public.user_balances set balance = balance - 1
      where user_id = (select min(user_id::text)::uuid from public.user_balances)`,
  },
];

const FUNCTION_BREAKS: readonly Break[] = [
  {
    line: "functions",
    what: "a function is not deployed",
    fault: instead((_, path) => path.startsWith("/functions/v1/balance"), notFound),
  },
  {
    line: "pricing_health",
    what: "pricing-health can't read its tables",
    fault: instead(
      (_, path) => path === "/functions/v1/pricing-health",
      () => Response.json({ status: "error", error: "They cannot be read." }, { status: 500 }),
    ),
  },
  {
    line: "hook_signature",
    what: "the hook believes anybody",
    fault: instead(
      (request, path) => path === "/functions/v1/init-balance" && request.method === "POST",
      () => Response.json({}),
    ),
  },
  {
    line: "cors",
    what: "no page may call",
    fault: () => async (request, forward) => {
      const response = await forward(request);
      for (const name of [...response.headers.keys()]) {
        if (name.startsWith("access-control-")) response.headers.delete(name);
      }
      return response;
    },
  },
  {
    line: "page",
    what: "the page is gone",
    fault: instead((_, path) => path === "/", notFound),
  },
];

const USER_BREAKS: readonly Break[] = [
  {
    line: "anon_refused",
    what: "the Data API lets a stranger refund",
    fault: instead(
      (request, path) => path === "/rest/v1/rpc/refund" && isOfGuest(request),
      () => Response.json({ state: "refunded" }),
    ),
  },
  {
    line: "authenticated_refused",
    what: "the Data API lets a user write a balance",
    fault: instead(
      (request, path) =>
        path === "/rest/v1/user_balances" && request.method === "PATCH" && isOfUser(request),
      () => new Response(null, { status: 204 }),
    ),
  },
  {
    line: "own_rows",
    what: "the Data API shows a user everybody's balance",
    fault: ({ stack }) => (request, forward) => {
      const isMeant = pathOf(request) === "/rest/v1/user_balances" && request.method === "GET";
      if (!isMeant || !isOfUser(request)) return forward(request);
      const { secretKey } = stack.details;
      return forward(
        new Request(request, {
          headers: { apikey: secretKey, authorization: `Bearer ${secretKey}` },
        }),
      );
    },
  },
  {
    line: "sign_up",
    what: "Auth is out of order",
    fault: instead(
      (_, path) => path === "/auth/v1/signup",
      () => Response.json({ msg: "Database error saving new user" }, { status: 500 }),
    ),
  },
  {
    line: "welcome",
    what: "somebody takes a part of the credit",
    sql: rogue("-3", "id"),
    authSql: `create trigger zz_rogue after insert on auth.users
      for each row execute function public.rogue()`,
    authUndo: "drop trigger zz_rogue on auth.users",
    undo: "drop function public.rogue()",
  },
  {
    line: "balance",
    what: "the balance that is shown is not the balance",
    fault: changed(
      (request, path) => path === "/functions/v1/balance" && isOfUser(request),
      (text) =>
        text.replace('"balance": 10', '"balance": 9.5').replace('"balance":10', '"balance":9.5'),
    ),
  },
];

const CHAT_BREAKS: readonly Break[] = [
  {
    line: "models_enabled",
    what: "no provider has a key",
    fault: instead(
      (request, path) => path === "/functions/v1/chat-proxy/v1/models" && isOfUser(request),
      () => Response.json({ object: "list", data: [] }),
    ),
  },
  {
    line: "chat",
    what: "the stream does not say what it cost",
    fault: changed((_, path) => path === CHAT, (text) => text.replace(/^: farebox .*$/m, ":")),
  },
  {
    line: "usage_recorded",
    what: "nothing is recorded",
    fault: instead(
      (request, path) =>
        path === "/rest/v1/usage_records" && request.method === "GET" && !isOfUser(request),
      () => Response.json([]),
    ),
  },
  {
    line: "deducted",
    what: "every charge brings a dollar back",
    sql: `${rogue("1", "user_id")}
      create trigger zz_rogue after insert on public.usage_records
        for each row when (new.user_id is not null) execute function public.rogue()`,
    undo: `drop trigger zz_rogue on public.usage_records; drop function public.rogue()`,
  },
  {
    line: "receipt",
    what: "the receipt's lines do not make its cost",
    fault: changed(
      (_, path) => path.startsWith("/functions/v1/balance/receipts/"),
      (text) => text.replace(/"tokens":\s*\d+,/g, "").replace(/"cost":\s*"0\.0/, '"cost":"0.1'),
    ),
  },
  {
    line: "guest",
    what: "guests are not counted",
    fault: instead(
      (request, path) => path === "/functions/v1/balance" && isOfGuest(request),
      () => Response.json({ exchanges: { limit: 3, left: 3 } }),
    ),
  },
  {
    line: "insufficient",
    what: "who has nothing is served all the same",
    fault: () => async (request, forward) => {
      const response = await forward(request);
      return response.status === 402 ? new Response("data: [DONE]\n\n") : response;
    },
  },
];

export const BREAKS: readonly Break[] = [
  ...PROJECT_BREAKS,
  ...DATABASE_BREAKS,
  ...FUNCTION_BREAKS,
  ...USER_BREAKS,
  ...CHAT_BREAKS,
];
