import { assertEquals } from "@std/assert";
import type { Query } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  type Args,
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

async function differences(sql: Query, requestId: string): Promise<unknown[]> {
  const rows = await sql`select details from billing.incidents
    where kind = 'provider_cost_difference' and request_id = ${requestId}`;
  return rows.map((row) => row["details"]);
}

/** A request of gpt-4o that cost exactly 0.01 USD before the markup: 1,000 output tokens. */
async function settleTenMills(
  { sql, service }: { sql: Query; service: Query },
  more: Args,
  basis: "reported" | "estimated" = "reported",
): Promise<string> {
  const ask = { userId: await createUser(sql), inputTokensMax: 0, outputTokensMax: 1000 };
  const { requestId } = await reserve(service, ask);
  await settle(service, requestId, 0, 1000, basis, more);
  return requestId;
}

for (
  const [providerCost, isIncident] of [
    ["0.01", false],
    ["0.0101", false],
    ["0.0099", false],
    ["0.0101000001", true],
    ["0.0098999999", true],
    ["0", true],
    ["100", true],
  ] as const
) {
  Deno.test(`a provider cost of ${providerCost} beside ours of 0.01 is ${isIncident ? "an" : "no"} incident, whatever the markup`, () =>
    withDatabase(async (database) => {
      await database.sql`update billing.settings set markup_basis_points = 5000`;
      const requestId = await settleTenMills(database, { p_provider_cost: providerCost });
      assertEquals(
        await differences(database.sql, requestId),
        isIncident ? [{ model: "openai:gpt-4o", cost: "0.01", provider_cost: providerCost }] : [],
      );
      const receipt = await call(database.service, "receipt", {
        p_user_id: null,
        p_request_id: requestId,
      });
      assertEquals([receipt["provider_cost"], receipt["cost"]], [providerCost, "0.015"]);
    }));
}

Deno.test("an estimate is not compared with what the provider bills, which is recorded all the same", () =>
  withDatabase(async (database) => {
    const requestId = await settleTenMills(database, { p_provider_cost: "5" }, "estimated");
    assertEquals(await differences(database.sql, requestId), []);
    const [row] = await database.sql`select trim_scale(provider_cost)::text as cost
      from public.usage_records where request_id = ${requestId}`;
    assertEquals(row?.["cost"], "5");
  }));

Deno.test("a repeated settle raises no second incident", () =>
  withDatabase(async (database) => {
    const requestId = await settleTenMills(database, { p_provider_cost: "1" });
    const again = await settle(database.service, requestId, 0, 1000, "reported", {
      p_provider_cost: "1.0",
    });
    assertEquals([again["state"], again["provider_cost"]], ["already_settled", "1"]);
    assertEquals((await differences(database.sql, requestId)).length, 1);
  }));

Deno.test("a correction is compared with the whole cost, not with the difference", () =>
  withDatabase(async ({ sql, service }) => {
    const { requestId } = await reserve(service, {
      userId: await createUser(sql),
      inputTokensMax: 0,
      outputTokensMax: 1000,
    });
    await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 1000,
      p_input_tokens: 0,
      p_output_tokens: 900,
    });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    const more = { p_provider_cost: "0.0101", p_service_tier: "flex", p_flags: ["b", "a", "b"] };
    const corrected = await settle(service, requestId, 0, 1000, "reported", more);
    assertEquals([corrected["state"], corrected["provider_cost"]], ["corrected", "0.0101"]);
    assertEquals(await differences(sql, requestId), []);
    const receipt = await call(service, "receipt", { p_user_id: null, p_request_id: requestId });
    assertEquals(
      [receipt["provider_cost"], receipt["service_tier"], receipt["flags"]],
      ["0.0101", "flex", ["a", "b"]],
    );
    await assertReconciled(sql);
  }));

Deno.test("flags and the service tier are kept, each flag once, and are part of what is settled", () =>
  withDatabase(async ({ sql, service }) => {
    const { requestId } = await reserve(service, { userId: await createUser(sql) });
    const more = { p_service_tier: "default", p_flags: ["total_mismatch", "cache_overlap"] };
    await settle(service, requestId, 10, 10, "reported", more);
    const [row] = await sql`select service_tier, flags from public.usage_records
      where request_id = ${requestId}`;
    assertEquals(row, { service_tier: "default", flags: ["cache_overlap", "total_mismatch"] });
    const reordered = { ...more, p_flags: [...more.p_flags].reverse() };
    const again = await settle(service, requestId, 10, 10, "reported", reordered);
    assertEquals(again["state"], "already_settled");
    for (
      const change of [
        { p_service_tier: "priority" },
        { p_service_tier: null },
        { p_flags: null },
        { p_provider_cost: "0.1" },
      ]
    ) {
      const other = settle(service, requestId, 10, 10, "reported", { ...more, ...change });
      assertEquals((await refusalOf(other)).code, "KEY_CONFLICT");
    }
  }));

Deno.test("however long a tier, however many flags: they are cut, and the charge stands", () =>
  withDatabase(async ({ sql, service }) => {
    const { requestId } = await reserve(service, { userId: await createUser(sql) });
    const more = {
      p_service_tier: "t".repeat(500),
      p_flags: [...Array.from({ length: 100 }, (_, i) => `flag_${i}`), "f".repeat(500), ""],
    };
    assertEquals((await settle(service, requestId, 10, 10, "reported", more))["state"], "settled");
    const again = await settle(service, requestId, 10, 10, "reported", more);
    assertEquals(again["state"], "already_settled");
    const [row] = await sql`select length(service_tier) as tier, cardinality(flags) as flags
      from public.usage_records where request_id = ${requestId}`;
    assertEquals(row, { tier: 60, flags: 40 });
  }));

Deno.test("a provider cost that is no amount is INVALID_ARGUMENT", () =>
  withDatabase(async ({ sql, service }) => {
    const { requestId } = await reserve(service, { userId: await createUser(sql) });
    for (const p_provider_cost of ["-1", "1e-3", "NaN", "", "0.00000000001"]) {
      const refusal = await refusalOf(
        settle(service, requestId, 1, 1, "reported", { p_provider_cost }),
      );
      assertEquals(refusal.code, "INVALID_ARGUMENT");
    }
  }));
