/** Credit for those who were there before: everybody once, whoever else is at work. */
import { assertEquals } from "@std/assert";
import { connect, type Sql } from "../support/connect.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  refusalOf,
  reserve,
} from "../support/ledger_calls.ts";
import { untilSomebodyWaits } from "../support/locks.ts";

/** Users whose sign-up no trigger saw. */
async function createUnseenUsers(adminUrl: string, count: number): Promise<string[]> {
  const admin = connect(adminUrl, { max: 1 });
  try {
    await admin`set session_replication_role = replica`;
    const rows = await admin<{ id: string }[]>`
      insert into auth.users (id, email)
      select gen_random_uuid(), 'unseen-' || n || '@example.com' from generate_series(1, ${count}) n
      returning id`;
    return rows.map(({ id }) => id);
  } finally {
    await admin.end();
  }
}

type Page = {
  granted: number;
  already: number;
  anonymous: number;
  last: string | null;
  done: boolean;
};

/** Pages to the end; answers the sums. */
async function initUsers(service: Sql, amount: string, limit: number) {
  const sums = { granted: 0, already: 0, anonymous: 0, pages: 0 };
  for (let after: string | null = null;;) {
    const page: Page = await call<Page>(service, "init_users", {
      p_amount: amount,
      p_after: after,
      p_limit: limit,
    });
    sums.granted += page.granted;
    sums.already += page.already;
    sums.anonymous += page.anonymous;
    sums.pages++;
    if (page.done) return sums;
    after = page.last;
  }
}

/** Every user's credits, as "key kind amount", of which each may have one. */
async function creditsOf(sql: Sql): Promise<Map<string, string[]>> {
  const rows = await sql<{ user_id: string; credit: string }[]>`
    select user_id, kind || ' ' || trim_scale(amount) as credit from public.balance_transactions`;
  const credits = new Map<string, string[]>();
  for (const { user_id, credit } of rows) {
    credits.set(user_id, [...credits.get(user_id) ?? [], credit]);
  }
  return credits;
}

Deno.test("lesson 34: every page of users is granted to, not the first alone, and none twice", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    // Auth lists 50 a page unless told: more than two of those, and no multiple of ours.
    const ids = await createUnseenUsers(adminUrl, 123);
    assertEquals(await call(service, "users_count"), {
      users: 123,
      anonymous: 0,
      already: 0,
      due: 123,
    });
    assertEquals(await initUsers(service, "5", 50), {
      granted: 123,
      already: 0,
      anonymous: 0,
      pages: 3,
    });
    const credits = await creditsOf(sql);
    assertEquals([...credits.keys()].toSorted(), ids.toSorted());
    assertEquals(new Set([...credits.values()].flat()), new Set(["grant 5"]));
    assertEquals(
      (await initUsers(service, "7", 41)).granted,
      0,
      "the second run has another amount",
    );
    assertEquals((await creditsOf(sql)).size, 123);
    await assertReconciled(sql);
  }));

Deno.test("whoever was welcomed has no more, who is anonymous or deleted has none, and a later first request adds nothing", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    const welcomed = await createUser(sql);
    const anonymous = await createUser(sql, { isAnonymous: true });
    const [unseen = "", deleted = ""] = await createUnseenUsers(adminUrl, 2);
    const admin = connect(adminUrl, { max: 1 });
    await admin`update auth.users set deleted_at = now() where id = ${deleted}`;
    await admin.end();
    assertEquals(await initUsers(service, "5", 10), {
      granted: 1,
      already: 1,
      anonymous: 1,
      pages: 1,
    });
    await reserve(service, { userId: unseen });
    await call(service, "welcome", { p_user_id: unseen });
    const balances = await Promise.all(
      [welcomed, anonymous, unseen, deleted].map(async (id) => (await accountOf(sql, id)).balance),
    );
    assertEquals(balances, ["10", "0", "5", "0"]);
    await assertReconciled(sql);
  }));

Deno.test("who signed up under a decision gets what was decided, though no trigger ran", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    const [twice = ""] = await createUnseenUsers(adminUrl, 1);
    await sql`
      insert into billing.sign_up_decisions (user_id, email_hash, decision, amount, reason)
      values (${twice}, 'x', 'no_credit', 0, 'email_already_welcomed')`;
    assertEquals(await initUsers(service, "5", 10), {
      granted: 0,
      already: 1,
      anonymous: 0,
      pages: 1,
    });
    assertEquals((await accountOf(sql, twice)).balance, "0");
  }));

Deno.test("an account that lost the mark of its welcome, but not its credit, is marked again and gets nothing", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await sql`update public.user_balances set welcomed_at = null where user_id = ${userId}`;
    assertEquals((await call(service, "users_count"))["due"], 1);
    assertEquals((await initUsers(service, "5", 10)).granted, 0);
    assertEquals((await call(service, "users_count"))["due"], 0);
    assertEquals((await accountOf(sql, userId)).balance, "10");
    await assertReconciled(sql);
  }));

/** Runs of init-users, first requests and welcomes at the same moment. */
async function race({ sql, service, adminUrl }: TestDatabase): Promise<void> {
  const ids = await createUnseenUsers(adminUrl, 60);
  await Promise.all([
    ...[7, 20, 60].map((limit) => initUsers(service, "5", limit)),
    ...ids.map((id, n) =>
      n % 2 === 0 ? call(service, "welcome", { p_user_id: id }) : reserve(service, { userId: id })
    ),
  ]);
  const credits = await creditsOf(sql);
  assertEquals([credits.size, [...credits.values()].map((own) => own.length)], [
    60,
    Array.from({ length: 60 }, () => 1),
  ]);
  await assertReconciled(sql);
}

Deno.test("three runs at once among first requests grant each user one credit, the one or the other", () =>
  withDatabase(race, { connections: 20 }));

Deno.test("bad amounts and pages are refused, and nobody is granted anything", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    await createUnseenUsers(adminUrl, 3);
    const wrong: [string | null, number | null][] = [
      ...["5,00", "1e9", "NaN", "-5", "0", "", "1000001", "0.00000000001"].map(
        (amount): [string, number] => [amount, 10],
      ),
      [null, 10],
      ["5", 0],
      ["5", 5001],
      ["5", null],
    ];
    for (const [amount, limit] of wrong) {
      const refusal = await refusalOf(
        call(service, "init_users", { p_amount: amount, p_after: null, p_limit: limit }),
      );
      assertEquals([amount, limit, refusal.code], [amount, limit, "INVALID_ARGUMENT"]);
    }
    assertEquals((await creditsOf(sql)).size, 0);
  }));

Deno.test("users to tell are paged to the end: the credited ones, or everybody known", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    await createUser(sql, { email: "new@example.com" });
    await createUser(sql, { isAnonymous: true });
    await createUser(sql, { email: `doctor-${crypto.randomUUID()}@example.com` });
    await createUnseenUsers(adminUrl, 5);
    await initUsers(service, "5", 10);
    const told = async (to: string) => {
      const emails: (string | null)[] = [];
      for (let after: string | null = null, done = false; !done;) {
        const page: {
          users: { email: string; amount: string | null }[];
          last: string;
          done: boolean;
        } = await call(service, "users_to_tell", { p_to: to, p_after: after, p_limit: 2 });
        emails.push(...page.users.map(({ email, amount }) => `${email} ${amount}`));
        [after, done] = [page.last, page.done];
      }
      return emails.toSorted();
    };
    const credited = [1, 2, 3, 4, 5].map((n) => `unseen-${n}@example.com 5`);
    assertEquals(await told("credited"), credited);
    assertEquals(await told("all"), ["new@example.com null", ...credited]);
  }));

Deno.test("two sign-ups of one mailbox, one of them making its first request, do not deadlock with a page", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    const [first, second] = (await createUnseenUsers(adminUrl, 2)).sort();
    for (const id of [first!, second!]) {
      const email = `same+${id}@example.com`;
      await sql`update auth.users set email = ${email} where id = ${id}`;
      await call(service, "decide_sign_up", {
        p_user_id: id,
        p_email: email,
        p_address_hash: null,
        p_is_anonymous: false,
      });
    }
    await sql`insert into public.user_balances (user_id) values (${second!})`;
    let page: Promise<Page> | undefined;
    await sql.begin(async (request) => {
      // As a first request does: its account, then, to be welcomed, its mailbox.
      await request`select from public.user_balances where user_id = ${second!} for no key update`;
      page = call<Page>(service, "init_users", { p_amount: "5", p_after: null, p_limit: 10 });
      page.catch(() => {});
      await untilSomebodyWaits(sql);
      await request`select billing.lock_account(${second!})`;
    });
    await page;
    assertEquals((await creditsOf(sql)).size, 1, "one mailbox, one credit");
    await assertReconciled(sql);
  }));
