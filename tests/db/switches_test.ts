/** The switches of billing.settings, as reserve obeys them from one request to the next. */
import { assert, assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  createUser,
  refusalOf,
  reserve,
} from "../support/ledger_calls.ts";

Deno.test("of the caller's enforcement and the setting the weaker counts", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const levels = ["enforce", "observe", "off"] as const;
    for (const [i, setting] of levels.entries()) {
      await sql`update billing.settings set balance_enforcement = ${setting}`;
      for (const [j, enforcement] of levels.entries()) {
        const { held } = await reserve(service, { userId, enforcement });
        assertEquals(held["enforcement"], levels[Math.max(i, j)]);
      }
    }
    await assertReconciled(sql);
  }));

Deno.test("observe notes what would have been refused: once a user and code in ten minutes, and off notes nothing", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings
      set balance_enforcement = 'observe', welcome_credit = 0.004`;
    const [poor, other] = [await createUser(sql), await createUser(sql)];
    const noted = () =>
      sql`select user_id, details from billing.incidents
        where kind = 'would_refuse' order by id`;
    const holds = await Promise.all(
      Array.from({ length: 20 }, () => reserve(service, { userId: poor })),
    );
    assert(holds.every(({ held }) => held["would_refuse"] === "INSUFFICIENT_BALANCE"));
    const [first, ...more] = await noted();
    assertEquals(more.length, 0);
    assertEquals(first?.["details"], {
      code: "INSUFFICIENT_BALANCE",
      required: "0.01",
      balance: "0.004",
      model: "openai:gpt-4o",
    });
    await reserve(service, { userId: other });
    assertEquals((await noted()).map((row) => row["user_id"]), [poor, other]);
    await sql`update billing.incidents set created_at = now() - interval '11 minutes'`;
    await reserve(service, { userId: poor });
    assertEquals((await noted()).length, 3);

    await sql`update billing.settings set balance_enforcement = 'off'`;
    const off = await reserve(service, { userId: await createUser(sql) });
    assertEquals(off.held["would_refuse"], null);
    await sql`update billing.settings set balance_enforcement = 'enforce'`;
    assertEquals(
      (await refusalOf(reserve(service, { userId: poor }))).code,
      "INSUFFICIENT_BALANCE",
    );
    assertEquals((await noted()).length, 3);
    await assertReconciled(sql);
  }, { connections: 20 }));

Deno.test("observe notes at most a thousand an hour", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings
      set balance_enforcement = 'observe', welcome_credit = 0.001`;
    await sql`insert into billing.incidents (kind, user_id)
      select 'would_refuse', gen_random_uuid() from generate_series(1, 999)`;
    for (let i = 0; i < 3; i++) await reserve(service, { userId: await createUser(sql) });
    const [row] = await sql`
      select count(*)::int as n from billing.incidents where kind = 'would_refuse'`;
    assertEquals(row?.["n"], 1000);
  }));

Deno.test("usage_tracking off holds nothing of users, whatever they have; guests are held as ever", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings
      set usage_tracking = 'off', welcome_credit = 0, allowed_models = '{}'`;
    const userId = await createUser(sql);
    assertEquals((await reserve(service, { userId })).held, { state: "untracked" });
    assertEquals((await sql`select from billing.reservations`).length, 0);
    assertEquals(await accountOf(sql, userId), { balance: "0", reserved: "0" });

    await sql`update billing.settings set allowed_models = null`;
    const guest = { tokenId: "t", addressHash: "a" };
    for (let i = 0; i < 3; i++) await reserve(service, { guest });
    assertEquals((await refusalOf(reserve(service, { guest }))).code, "FREE_LIMIT_REACHED");

    await sql`update billing.settings set usage_tracking = 'on'`;
    assertEquals((await refusalOf(reserve(service, { userId }))).code, "INSUFFICIENT_BALANCE");
  }));
