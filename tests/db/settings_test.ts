/** Reading and changing billing.settings: typed, all or nothing, each change noted. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { SETTINGS } from "../../cli/settings/catalogue.ts";
import { withDatabase } from "../support/database.ts";
import { call, refusalOf } from "../support/ledger_calls.ts";

Deno.test("settings_read tells every setting that the tool knows, at the default that it says, and no other", () =>
  withDatabase(async ({ service }) => {
    assertEquals(
      await call(service, "settings_read"),
      Object.fromEntries(SETTINGS.map((setting) => [setting.name, setting.default])),
    );
  }));

Deno.test("settings_write changes what differs, tells from and to, and notes each change", () =>
  withDatabase(async ({ sql, service }) => {
    const changes = {
      daily_spend_per_user_max: "0.0000000001",
      requests_per_minute_max: 60,
      balance_enforcement: "observe",
      save_chat_history: true,
      allowed_models: ["openai:gpt-4o", "anthropic:*"],
      low_balance_threshold: null,
      minimum_balance: "0.0100",
    };
    const changed = {
      daily_spend_per_user_max: { from: null, to: "0.0000000001" },
      requests_per_minute_max: { from: null, to: 60 },
      balance_enforcement: { from: "enforce", to: "observe" },
      save_chat_history: { from: false, to: true },
      allowed_models: { from: null, to: ["openai:gpt-4o", "anthropic:*"] },
      low_balance_threshold: { from: "1", to: null },
    };
    assertEquals(await write(service, changes), { changed });
    assertEquals(await write(service, changes), { changed: {} });
    const now = await call(service, "settings_read");
    for (const [name, { to }] of Object.entries(changed)) assertEquals(now[name], to);
    assertEquals(now["welcome_credit"], "10");
    const noted = await sql`
      select details from billing.incidents where kind = 'settings_changed' order by id`;
    assertEquals(
      Object.fromEntries(
        noted.map(({ details: { name, ...change } }) => [name, change]),
      ),
      changed,
    );
  }));

Deno.test("a setting that does not exist, or a value that it cannot have, changes nothing and is named", () =>
  withDatabase(async ({ sql, service }) => {
    const bad: [Record<string, unknown>, RegExp][] = [
      [{ nope: 1 }, /no setting 'nope'.*There are: welcome_credit, /],
      [{ only_row: true }, /no setting 'only_row'/],
      [{ updated_at: "2026-01-01" }, /no setting 'updated_at'/],
      [{ daily_spend_per_user_max: 5 }, /daily_spend_per_user_max to 5: it takes an amount in USD/],
      [{ daily_spend_per_user_max: "5,00" }, /decimal string, such as "2.5", or null/],
      [{ daily_spend_per_user_max: "1e9" }, /it takes an amount/],
      [{ daily_spend_per_user_max: "NaN" }, /it takes an amount/],
      [{ daily_spend_per_user_max: "-1" }, /"daily spend per user is plausible".*CHECK/s],
      [{ requests_per_minute_max: 0 }, /"request limits are positive"/],
      [{ requests_per_minute_max: 1.5 }, /a whole number/],
      [{ requests_per_minute_max: 99999999999 }, /a whole number/],
      [{ requests_per_minute_max: "60" }, /a whole number/],
      [{ balance_enforcement: "enforced" }, /"balance enforcement is known"/],
      [{ balance_enforcement: null }, /it takes a word\./],
      [{ save_chat_history: "on" }, /true or false\./],
      [{ allowed_models: "openai:gpt-4o" }, /provider:model or provider:\*/],
      [{ allowed_models: ["gpt-4o"] }, /provider:model or provider:\*/],
      [{ allowed_models: [null] }, /provider:model/],
      [{ allowed_models: [["openai:gpt-4o"]] }, /provider:model/],
      [{ cors_allowed_origins: ["app.example"] }, /a list of origins/],
      [{}, /nothing to change/],
    ];
    const before = await call(service, "settings_read");
    for (const [changes, told] of bad) {
      // A good one beside it is not made either.
      const both = Object.keys(changes).length === 0
        ? changes
        : { welcome_credit: "3", ...changes };
      const refusal = await refusalOf(write(service, both));
      assertEquals([refusal.sqlstate, refusal.code], ["PT400", "INVALID_ARGUMENT"]);
      assertMatch(`${refusal.message} ${refusal.hint}`, told, JSON.stringify(changes));
    }
    assertEquals(await call(service, "settings_read"), before);
    assertEquals((await sql`select from billing.incidents`).length, 0);
  }));

Deno.test("changes at once are made one after the other, and each tells the value that it found", () =>
  withDatabase(async ({ service }) => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => write(service, { requests_per_minute_max: i + 1 })),
    );
    const links = answers.map(({ changed }) => changed["requests_per_minute_max"]!);
    const froms = new Set(links.map(({ from }) => from));
    assertEquals(froms.size, 8, "a change was lost from the chain");
    assert(froms.has(null));
  }));

Deno.test("the functions are told what SQL cannot do for them", () =>
  withDatabase(async ({ service }) => {
    assertEquals(await call(service, "function_settings"), {
      cors_allowed_origins: null,
      save_chat_history: false,
      own_stored_items_only: true,
      early_starts: { loss_left: "1", minimum_balance: "0.01" },
    });
    await write(service, {
      cors_allowed_origins: ["https://app.example"],
      save_chat_history: true,
      own_stored_items_only: false,
    });
    assertEquals(await call(service, "function_settings"), {
      cors_allowed_origins: ["https://app.example"],
      save_chat_history: true,
      own_stored_items_only: false,
      early_starts: { loss_left: "1", minimum_balance: "0.01" },
    });
  }));

Deno.test("the functions are told what is left of the day's bound on early starts; nothing where they are off", () =>
  withDatabase(async ({ sql, service }) => {
    const early = async () =>
      (await call<{ early_starts: unknown }>(service, "function_settings")).early_starts;
    const left = (amount: string) => ({ loss_left: amount, minimum_balance: "0.01" });
    const lose = (details: unknown, at = "now()") =>
      sql`insert into billing.incidents (kind, details, created_at)
        values ('early_start_refused', ${sql.json(details as never)}, ${sql.unsafe(at)})`;
    await lose({ amount: "0.2500000001" });
    await lose({ amount: "5" }, "date_trunc('day', now(), 'UTC') - interval '1 second'");
    assertEquals(await early(), left("0.7499999999"));
    await lose({ amount: "3" });
    assertEquals(await early(), left("0"));
    await write(service, { early_start_loss_per_day_max: "10.5" });
    assertEquals(await early(), left("7.2499999999"));
    await lose({ amount: "a lot" });
    assertEquals(await early(), left("0"), "an amount that nobody can read is all of the bound");
    await sql`delete from billing.incidents where kind = 'early_start_refused'`;
    await sql`insert into billing.incidents (kind, details)
      select 'early_start_refused', '{"amount": "0.0001"}' from generate_series(1, 999)`;
    assertEquals(await early(), left("10.4001"));
    await lose({ amount: "0.0001" });
    assertEquals(await early(), left("0"), "a day has a thousand losses at most");
    for (
      const off of [
        { balance_enforcement: "observe" },
        { usage_tracking: "off" },
        { early_start_loss_per_day_max: "0" },
      ]
    ) {
      const { changed } = await write(service, off);
      assertEquals(await early(), null);
      const back = Object.entries(changed).map(([name, { from }]) => [name, from]);
      await write(service, Object.fromEntries(back));
    }
  }));

type Changed = { changed: Record<string, { from: unknown; to: unknown }> };

async function write(
  sql: Parameters<typeof call>[0],
  changes: Record<string, unknown>,
): Promise<Changed> {
  return await call<Changed>(sql, "settings_write", { p_changes: changes });
}
