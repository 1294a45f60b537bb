/** Whose an answer is that lies at the provider: remembered by the ledger, as a digest, for 32 days. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import { call, createUser } from "../support/ledger_calls.ts";

const sorted = (ids: readonly string[]) => [...ids].sort();

Deno.test("what was given to one user is foreign to every other, and nobody's is everybody's", () =>
  withDatabase(async ({ sql, service }) => {
    const [mine, others] = [await createUser(sql), await createUser(sql)];
    const foreign = async (userId: string | null, ...ids: string[]) =>
      sorted(
        await call<string[]>(service, "foreign_stored_items", { p_user_id: userId, p_ids: ids }),
      );
    const remember = (userId: string | null, ...ids: string[]) =>
      call(service, "remember_stored_items", { p_user_id: userId, p_ids: ids });
    assertEquals(await foreign(mine, "resp_1", "msg_1", "resp_1"), ["msg_1", "resp_1"]);
    await remember(mine, "resp_1", "msg_1", "resp_1");
    await remember(others, "resp_2");
    assertEquals(await foreign(mine, "resp_1", "msg_1"), []);
    assertEquals(await foreign(mine, "resp_2", "msg_1", "resp_1 ", "RESP_1", ""), [
      "",
      "RESP_1",
      "resp_1 ",
      "resp_2",
    ]);
    assertEquals(await foreign(others, "resp_1", "resp_2", "msg_1"), ["msg_1", "resp_1"]);
    assertEquals(await foreign(null, "resp_1"), ["resp_1"]);
    assertEquals(await foreign(mine), []);
    await assertRejects(() => remember(null, "resp_1"));
    // Neither the user nor the id can be read from what is kept.
    const [row] = await sql`select string_agg(s::text, ';') as all from billing.stored_items s`;
    assert(!/resp|msg/.test(row?.["all"]) && !String(row?.["all"]).includes(mine));
    assertEquals((await sql`select from billing.stored_items`).length, 3);
  }));

Deno.test("40 connections that remember the same ids in any order wait for each other, and not in a circle", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const ids = Array.from({ length: 50 }, (_, at) => `msg_${at}`);
    await Promise.all(
      Array.from({ length: 40 }, () =>
        call(service, "remember_stored_items", {
          p_user_id: userId,
          p_ids: ids.toSorted(() => Math.random() - 0.5),
        })),
    );
    assertEquals((await sql`select from billing.stored_items`).length, 50);
  }));

Deno.test("after 32 days the sweeper forgets, a batch at a time; what was said again counts from then", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const remember = (...ids: string[]) =>
      call(service, "remember_stored_items", { p_user_id: userId, p_ids: ids });
    const foreign = (...ids: string[]) =>
      call<string[]>(service, "foreign_stored_items", { p_user_id: userId, p_ids: ids });
    const age = (days: number) =>
      sql`update billing.stored_items set stored_on = (now() at time zone 'UTC')::date - ${days}::int`;
    await remember("old", "older", "again");
    await age(33);
    await remember("again");
    await sql`select billing.prune_stored_items(1)`;
    assertEquals((await sql`select from billing.stored_items`).length, 2);
    await sql`select billing.expire(1)`;
    assertEquals(sorted(await foreign("old", "older", "again")), ["old", "older"]);
    await age(32);
    await sql`select billing.expire(1)`;
    assertEquals(await foreign("again"), []);
  }));

Deno.test("an id is found by its mark, and not by reading all of them", () =>
  withDatabase(async ({ sql }) => {
    await sql`insert into billing.stored_items (mark)
      select md5(g::text)::uuid from generate_series(1, 50000) g`;
    await sql`analyze billing.stored_items`;
    const plan =
      await sql`explain select u.id from unnest(array['a', 'b']) u (id) where not exists (
      select from billing.stored_items s
      where s.mark = billing.mark_of_item('00000000-0000-4000-8000-000000000000', u.id))`;
    const text = plan.map((row) => row["QUERY PLAN"]).join("\n");
    assert(text.includes("stored_items_pkey") && !text.includes("Seq Scan"), text);
  }));
