/** What an app's own clients can do with the Data API: read what is theirs, and nothing else. */
import { assert, assertEquals } from "@std/assert";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { post, QUESTION, settled } from "./clients_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());
const { publishableKey, secretKey } = stack.details;

const [ada, bob] = [await stack.signUp(), await stack.signUp()];
for (const user of [ada, ada, bob]) {
  const response = await post(stack, user, QUESTION, { "x-chat-id": "chat" });
  assertEquals(response.status, 200, await response.text());
}
await settled(stack);

const OWN = ["user_balances", "usage_records", "balance_transactions", "account_statement"];
const INTERNAL = [
  "settings",
  "reservations",
  "guest_exchanges",
  "incidents",
  "sign_up_decisions",
  "model_pricing_history",
];

type Role = { readonly name: string; readonly headers: Record<string, string> };
const anon: Role = { name: "anon", headers: { apikey: publishableKey } };
const signedIn = (user: TestUser): Role => ({
  name: "authenticated",
  headers: { apikey: publishableKey, authorization: `Bearer ${user.token}` },
});

async function rest(role: Role, method: string, path: string, body?: unknown) {
  const response = await fetch(`${stack.url}/rest/v1/${path}`, {
    method,
    headers: {
      ...role.headers,
      "content-type": "application/json",
      prefer: "return=representation",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

/** Every row that money is in, to see that none has changed. */
async function books() {
  const [row] = await stack.sql`
    select
      (select jsonb_agg(t order by t.user_id) from public.user_balances t) as balances,
      (select jsonb_agg(t order by t.request_id) from public.usage_records t) as usage,
      (select jsonb_agg(t order by t.id) from public.balance_transactions t) as transactions,
      (select jsonb_agg(t order by t.provider_id, t.model_id) from public.model_pricing t) as prices,
      (select jsonb_agg(t) from billing.settings t) as settings,
      (select count(*) from billing.incidents) as incidents,
      (select count(*) from billing.reservations) as reservations`;
  return row;
}

Deno.test("a signed-in user reads their own rows of every table, and nobody else's", async () => {
  for (const table of OWN) {
    const { status, body } = await rest(signedIn(ada), "GET", table);
    assertEquals(status, 200, table);
    assert(body.length > 0, table);
    assertEquals(body.filter((row: { user_id: string }) => row.user_id !== ada.id), [], table);
    const asked = await rest(signedIn(ada), "GET", `${table}?user_id=eq.${bob.id}`);
    assertEquals(asked, { status: 200, body: [] }, table);
  }
  const { body } = await rest(signedIn(ada), "GET", "usage_records?select=request_id");
  assertEquals(body.length, 2);
});

Deno.test("anon reads no row of anybody's money", async () => {
  for (const table of OWN) {
    const { status, body } = await rest(anon, "GET", table);
    assert(status === 401 || status === 403, `${table}: ${status} ${JSON.stringify(body)}`);
  }
});

Deno.test("prices are public", async () => {
  for (const role of [anon, signedIn(ada)]) {
    const { status, body } = await rest(role, "GET", "model_pricing?select=model_id,input_per_1k");
    assertEquals(status, 200);
    assertEquals(body.length, 23);
  }
});

Deno.test("lesson 32: no write to any table succeeds, by any method, as anon or signed in", async () => {
  const before = await books();
  const row = {
    user_id: ada.id,
    balance: 1000,
    provider_id: "openai",
    model_id: "gpt-4o",
    input_per_1k: 0,
  };
  for (const role of [anon, signedIn(ada)]) {
    for (const table of [...OWN, "model_pricing"]) {
      const where = table === "model_pricing" ? "model_id=eq.gpt-4o" : `user_id=eq.${ada.id}`;
      const fields = table === "model_pricing" ? { input_per_1k: 0 } : { user_id: bob.id };
      const writes: [string, string, unknown][] = [
        ["POST", table, row],
        ["POST", `${table}?on_conflict=user_id`, [row]],
        ["PUT", `${table}?${where}`, row],
        ["PATCH", `${table}?${where}`, fields],
        ["PATCH", `${table}?${where}`, { balance: 1000 }],
        ["DELETE", `${table}?${where}`, undefined],
      ];
      for (const [method, path, body] of writes) {
        const { status } = await rest(role, method, path, body);
        // 500 is what PostgREST makes of writing to a view of several tables.
        const isView = table === "account_statement" && status === 500;
        assert(
          isView || (status >= 400 && status < 500),
          `${role.name} ${method} ${path}: ${status}`,
        );
      }
    }
  }
  assertEquals(await books(), before);
});

Deno.test("lesson 32: no function of the ledger can be executed by a client, with its true arguments or without", async () => {
  const functions = await stack.sql`
    select proname as name, proargnames as args, proargtypes::regtype[]::text[] as types
    from pg_proc
    where pronamespace = 'public'::regnamespace
    order by proname`;
  assert(functions.length >= 21, `${functions.length}`);
  const values: Record<string, unknown> = {
    uuid: ada.id,
    text: "1",
    integer: 1,
    boolean: false,
    "timestamp with time zone": null,
    jsonb: {},
  };
  const before = await books();
  for (const role of [anon, signedIn(ada)]) {
    for (const { name, args, types } of functions) {
      const named = (args ?? []).map((arg: string, i: number) => [arg, values[types[i]] ?? null]);
      for (const body of [Object.fromEntries(named), {}]) {
        const { status, body: answer } = await rest(role, "POST", `rpc/${name}`, body);
        assert(
          [401, 403, 404].includes(status),
          `${role.name} ${name}: ${status} ${JSON.stringify(answer)}`,
        );
      }
      const { status } = await rest(role, "GET", `rpc/${name}`);
      assert(status >= 400 && status < 500, `${role.name} GET ${name}: ${status}`);
    }
  }
  assertEquals(await books(), before);
});

Deno.test("the schema billing is out of reach, whatever profile is asked for", async () => {
  for (const role of [anon, signedIn(ada), { name: "operator", headers: { apikey: secretKey } }]) {
    for (const table of INTERNAL) {
      for (const profile of [{}, { "accept-profile": "billing" }]) {
        const asked = { ...role, headers: { ...role.headers, ...profile } };
        for (const path of [table, `billing.${table}`]) {
          const { status, body } = await rest(asked, "GET", path);
          assert(status >= 400 && status < 500, `${role.name} ${path}: ${JSON.stringify(body)}`);
        }
      }
    }
    const write = { ...role, headers: { ...role.headers, "content-profile": "billing" } };
    const granted = await rest(write, "PATCH", "settings?only_row=is.true", { welcome_credit: 99 });
    assert(granted.status >= 400 && granted.status < 500, `${role.name}: ${granted.status}`);
    const charged = await rest(write, "POST", "rpc/prune", { p_limit: 1 });
    assert(charged.status >= 400 && charged.status < 500, `${role.name}: ${charged.status}`);
  }
});

Deno.test("nobody reads another's rows by joining, embedding, counting or aggregating", async () => {
  const paths = [
    "usage_records?select=user_id,cost.sum()",
    "usage_records?select=*,user_balances(*)",
    `usage_records?or=(user_id.eq.${bob.id},user_id.not.is.null)&select=user_id`,
    "account_statement?select=user_id,amount&limit=1000&offset=0",
    "user_balances?select=user_id,balance&order=balance.desc",
  ];
  for (const path of paths) {
    const { body } = await rest(signedIn(ada), "GET", path);
    assert(!JSON.stringify(body).includes(bob.id), `${path}: ${JSON.stringify(body)}`);
  }
});
