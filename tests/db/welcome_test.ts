import { assertEquals } from "@std/assert";
import { connect, type Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { accountOf, assertReconciled, call, createUser, reserve } from "../support/ledger_calls.ts";

/** The keys of a user's grants: there may be one. */
async function grantKeys(sql: Sql, userId: string): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    select idempotency_key as key from public.balance_transactions
    where user_id = ${userId} and kind = 'grant'`;
  return rows.map((row) => row.key);
}

/** A user whose sign-up no trigger saw: created before Farebox was installed, say. */
async function createUnseenUser(adminUrl: string): Promise<string> {
  const admin = connect(adminUrl, { max: 1 });
  try {
    await admin`set session_replication_role = replica`;
    return await createUser(admin);
  } finally {
    await admin.end();
  }
}

Deno.test("the welcome credit is granted once over the trigger, a replayed webhook and the lazy path", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    for (let replay = 0; replay < 3; replay++) {
      const answer = await call(service, "welcome", { p_user_id: userId });
      assertEquals(answer, { state: "already_granted", amount: "10", balance: "10" });
    }
    await call(service, "account_balance", { p_user_id: userId });
    await reserve(service, { userId });
    assertEquals(await grantKeys(sql, userId), [`welcome:${userId}`]);
    assertEquals((await accountOf(sql, userId)).balance, "10");
    await assertReconciled(sql);
  }));

Deno.test("lesson 3: 50 concurrent first calls of a user whom no trigger saw grant the credit once", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    const userId = await createUnseenUser(adminUrl);
    assertEquals(await grantKeys(sql, userId), []);
    await Promise.all(Array.from({ length: 50 }, (_, i): Promise<unknown> => {
      if (i % 3 === 0) return call(service, "account_balance", { p_user_id: userId });
      if (i % 3 === 1) return call(service, "welcome", { p_user_id: userId });
      return reserve(service, { userId });
    }));
    assertEquals(await grantKeys(sql, userId), [`welcome:${userId}`]);
    assertEquals((await accountOf(sql, userId)).balance, "10");
    await assertReconciled(sql);
  }, { connections: 50 }));

/** Each breaks the grant in another way; the owner of the tables is who runs migrations. */
const BREAKAGES: Record<string, string> = {
  "the settings are missing": "delete from billing.settings",
  "the transactions refuse rows":
    "alter table public.balance_transactions add constraint broken check (false) not valid",
  "the accounts table is gone": "alter table public.user_balances rename to lost",
  "neither the grant nor its incident can be written":
    "alter table billing.settings rename to lost; alter table billing.incidents rename to lost_too",
};

for (const [breakage, statements] of Object.entries(BREAKAGES)) {
  Deno.test(`a sign-up succeeds when ${breakage}`, () =>
    withDatabase(async ({ sql }) => {
      await sql.unsafe(statements).simple();
      const userId = await createUser(sql);
      const users = await sql`select from auth.users where id = ${userId}`;
      assertEquals(users.length, 1);
    }));
}

Deno.test("what a broken grant missed is made up for by the first request, once", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`alter table public.balance_transactions add constraint broken check (false) not valid`;
    const userId = await createUser(sql);
    const incidents = await sql`select kind from billing.incidents where user_id = ${userId}`;
    assertEquals(incidents.map((row) => row["kind"]), ["welcome_failed"]);
    await sql`alter table public.balance_transactions drop constraint broken`;
    await Promise.all(Array.from({ length: 10 }, () => reserve(service, { userId })));
    assertEquals(await grantKeys(sql, userId), [`welcome:${userId}`]);
    await assertReconciled(sql);
  }));

Deno.test("an anonymous user who converts is welcomed once, however often the row is updated", () =>
  withDatabase(async ({ sql }) => {
    const userId = await createUser(sql, { isAnonymous: true });
    assertEquals((await accountOf(sql, userId)).balance, "0");
    for (let update = 0; update < 3; update++) {
      await sql`update auth.users set is_anonymous = true where id = ${userId}`;
      await sql`update auth.users set is_anonymous = false, email = 'ada@example.com'
        where id = ${userId}`;
    }
    assertEquals(await grantKeys(sql, userId), [`welcome:${userId}`]);
    assertEquals((await accountOf(sql, userId)).balance, "10");
  }));

Deno.test("the hook's decision is what the trigger grants: one credit a mailbox, however it is spelled", () =>
  withDatabase(async ({ sql, service }) => {
    const amounts: string[] = [];
    for (const email of ["eve@gmail.com", "E.v.e@googlemail.com", "eve+3@gmail.com"]) {
      const id = crypto.randomUUID();
      await call(service, "decide_sign_up", {
        p_user_id: id,
        p_email: email,
        p_address_hash: null,
        p_is_anonymous: false,
      });
      await createUser(sql, { id, email });
      amounts.push((await accountOf(sql, id)).balance);
    }
    assertEquals(amounts, ["10", "0", "0"]);
  }));

Deno.test("one address earns the credit at most as often a day as the setting says, also at once", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_per_address_per_day_max = 2`;
    const decisions = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        call(service, "decide_sign_up", {
          p_user_id: crypto.randomUUID(),
          p_email: `person-${i}@example.com`,
          p_address_hash: "one-house",
          p_is_anonymous: false,
        })),
    );
    assertEquals(decisions.filter((answer) => answer["decision"] === "grant").length, 2);
  }));

Deno.test("two sign-ups of one mailbox at the same moment, under ids that the hook did not know, leave no credit for a third", () =>
  withDatabase(async ({ sql, service }) => {
    const decide = (email: string) =>
      call(service, "decide_sign_up", {
        p_user_id: crypto.randomUUID(), // OAuth: not the id that is inserted
        p_email: email,
        p_address_hash: null,
        p_is_anonymous: false,
      });
    const emails = ["box+1@gmail.com", "box+2@gmail.com", "box+3@gmail.com"];
    await decide(emails[0]!);
    await decide(emails[1]!);
    const ids: string[] = [];
    let second: Promise<string> | undefined;
    await sql.begin(async (first) => {
      ids.push(await createUser(first, { email: emails[0]! }));
      // It finds the same decision, and waits for the first one's transaction.
      second = createUser(sql, { email: emails[1]! });
      await until("the second sign-up to wait", async () => {
        const [row] = await sql`select count(*)::int as waiting from pg_locks where not granted`;
        return row?.["waiting"] > 0;
      });
    });
    ids.push(await second!);
    await decide(emails[2]!);
    ids.push(await createUser(sql, { email: emails[2]! }));
    const balances = await Promise.all(ids.map(async (id) => (await accountOf(sql, id)).balance));
    assertEquals(balances, ["10", "0", "0"]);
  }, { connections: 5 }));

Deno.test("without the hook, or where it got no answer, a mailbox is welcomed once all the same, also at once", () =>
  withDatabase(async ({ sql }) => {
    const emails = Array.from({ length: 8 }, (_, i) => `Nobody.Asked+${i}@gmail.com`);
    const ids = await Promise.all(emails.map((email) => createUser(sql, { email })));
    const balances = await Promise.all(ids.map(async (id) => (await accountOf(sql, id)).balance));
    assertEquals(balances.toSorted(), ["0", "0", "0", "0", "0", "0", "0", "10"]);
    const other = await createUser(sql, { email: "somebody.else@gmail.com" });
    assertEquals((await accountOf(sql, other)).balance, "10");
    await assertReconciled(sql);
  }, { connections: 8 }));

Deno.test("a decision that comes after the grant, as the hook's answer was not awaited, changes nothing", () =>
  withDatabase(async ({ sql, service }) => {
    const email = "late@example.com";
    const id = await createUser(sql, { email });
    const late = { p_user_id: id, p_email: email, p_address_hash: "h", p_is_anonymous: false };
    assertEquals((await call(service, "decide_sign_up", late))["decision"], "grant");
    const again = await createUser(sql, { email: "late+2@example.com" });
    const balances = [await accountOf(sql, id), await accountOf(sql, again)];
    assertEquals(balances.map(({ balance }) => balance), ["10", "0"]);
  }));

Deno.test("users without an e-mail address are welcomed each, and one of a blocked domain is not", () =>
  withDatabase(async ({ sql }) => {
    await sql`update billing.settings set blocked_email_domains = ${["trash.example"]}`;
    const balance = async (email: string | null) => {
      const id = crypto.randomUUID();
      await sql`insert into auth.users (id, email) values (${id}, ${email})`;
      return (await accountOf(sql, id)).balance;
    };
    assertEquals(await balance(null), "10");
    assertEquals(await balance(null), "10");
    assertEquals(await balance("who@trash.example"), "0");
  }));
