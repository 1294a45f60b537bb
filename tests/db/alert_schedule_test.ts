import { assert, assertEquals, assertMatch } from "@std/assert";
import { SCHEDULER_STUBS } from "../support/alerts.ts";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { refusalOf } from "../support/ledger_calls.ts";

const schedule = (sql: Sql, url: string, name = "farebox_secret_key") =>
  sql`select billing.schedule_alerts(${url}, ${name}) as said`;

Deno.test("scheduling makes exactly one job, which posts to pricing-health with the key from Vault and holds none itself", () =>
  withDatabase(async ({ sql }) => {
    await sql.unsafe(SCHEDULER_STUBS);
    await sql`insert into vault.decrypted_secrets values ('farebox_secret_key', 'sb_secret_1')`;
    await sql`select cron.schedule('farebox-expire', '30 seconds', 'select 1')`;
    for (const url of ["https://other.supabase.co", "https://abc.supabase.co/"]) {
      await schedule(sql, url);
    }
    const jobs = await sql`select * from cron.job where jobname = 'farebox-alerts'`;
    assertEquals(jobs.length, 1);
    const { schedule: when, command } = jobs[0]!;
    assertEquals(when, "* * * * *");
    assert(!command.includes("sb_secret_"), command);
    // The key is read when the job runs, so that a rotated one counts at once.
    await sql`update vault.decrypted_secrets set decrypted_secret = 'sb_secret_2'`;
    await sql.unsafe(command);
    const [sent] = await sql`select * from net.sent`;
    assertEquals(sent, {
      url: "https://abc.supabase.co/functions/v1/pricing-health/alerts",
      headers: { "content-type": "application/json", apikey: "sb_secret_2" },
      body: {},
      timeout_milliseconds: 60_000,
    });
    for (const said of ["The alerts are no longer scheduled.", "The alerts were not scheduled."]) {
      assertEquals((await sql`select billing.unschedule_alerts() as said`)[0]!["said"], said);
    }
    const left = await sql`select jobname from cron.job`;
    assertEquals(left.map((row) => row["jobname"]), ["farebox-expire"]);
  }));

Deno.test("where something is missing, scheduling says what and how to get it, and makes no job", () =>
  withDatabase(async ({ sql }) => {
    const url = "https://abc.supabase.co";
    assertEquals(
      (await sql`select billing.unschedule_alerts() as said`)[0]!["said"],
      "The alerts were not scheduled.",
    );
    const without = await refusalOf(schedule(sql, url));
    assertMatch(`${without.message} ${without.hint}`, /Schema cron is not there.*pg_cron, pg_net/);
    await sql.unsafe(SCHEDULER_STUBS);
    const secretless = await refusalOf(schedule(sql, url));
    assertMatch(
      `${secretless.message} ${secretless.hint}`,
      /no secret named.*vault\.create_secret/,
    );
    await sql`insert into vault.decrypted_secrets values ('farebox_secret_key', 'sb_secret_1')`;
    for (
      const wrong of ["abc.supabase.co", "https://abc.supabase.co/functions", "https://a'b", ""]
    ) {
      assertMatch((await refusalOf(schedule(sql, wrong))).message, /is not the URL of a project/);
    }
    assertEquals((await sql`select from cron.job`).length, 0);
  }));

Deno.test("nobody schedules anything through the Data API", () =>
  withDatabase(async ({ service }) => {
    const code = await service`select billing.unschedule_alerts()`.then(
      () => "done",
      (error) => error.code,
    );
    assertEquals(code, "42501");
  }));
