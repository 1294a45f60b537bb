/** What cannot be extended is held whole, so that it cannot be oversold: docs/adr/0008. */
import { assert, assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  type Ask,
  assertReconciled,
  call,
  createUser,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

const SLICE_TOKENS = 1024;

/** Twenty requests at once on $0.20, each of which uses all the output that it may. */
function overspend(ask: Omit<Ask, "userId">): Promise<void> {
  return withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0.2`;
    const userId = await createUser(sql);
    const outcomes = await Promise.all(Array.from({ length: 20 }, async () => {
      try {
        const { requestId, held } = await reserve(service, { ...ask, userId });
        assertEquals(held["output_tokens_reserved"], held["output_tokens_limit"]);
        return { requestId, outputTokens: Number(held["output_tokens_limit"]) };
      } catch (error) {
        return (await refusalOf(Promise.reject(error))).code;
      }
    }));
    const admitted = outcomes.filter((outcome) => typeof outcome !== "string");
    const refused = outcomes.filter((outcome) => typeof outcome === "string");
    assert(admitted.length > 0 && refused.length > 0, `${admitted.length} were admitted`);
    assertEquals([...new Set(refused)], ["INSUFFICIENT_BALANCE"]);

    await Promise.all(
      admitted.map(({ requestId, outputTokens }) => settle(service, requestId, 100, outputTokens)),
    );
    const [total] = await sql`
      select trim_scale(sum(uncollected))::text as uncollected, sum(cost) <= 0.2 as within
      from public.usage_records`;
    assertEquals({ ...total }, { uncollected: "0", within: true });
    assertEquals((await accountOf(sql, userId)).reserved, "0");
    await assertReconciled(sql);
  }, { connections: 20 });
}

Deno.test("20 concurrent whole requests on $0.20 that use all they may leave nothing uncollected", () =>
  overspend({ canExtend: false, outputTokensMax: null }));

Deno.test("20 concurrent whole requests with a limit of their own leave nothing uncollected", () =>
  overspend({ canExtend: false, outputTokensMax: 3000 }));

Deno.test("20 concurrent streams of a model that hides its reasoning leave nothing uncollected", () =>
  overspend({ model: "gpt-5", outputTokensMax: 3000 }));

Deno.test("a stream that shows everything holds a slice, and may extend up to its limit", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { held } = await reserve(service, { userId, outputTokensMax: null });
    assertEquals(
      [held["output_tokens_reserved"], held["output_tokens_limit"], held["output_limited_by"]],
      [SLICE_TOKENS, 16384, "model"],
    );
    assertEquals((held["price"] as Record<string, unknown>)["hides_reasoning"], false);
  }));

Deno.test("lesson 8: a whole answer is held up to the limit of the client, the model or the balance, and says which", () =>
  withDatabase(async ({ sql, service }) => {
    const whole = async (outputTokensMax: number | null) => {
      const { requestId, held } = await reserve(service, {
        userId,
        outputTokensMax,
        canExtend: false,
      });
      await call(service, "release", { p_request_id: requestId, p_reason: "test" });
      return [held["output_tokens_reserved"], held["output_limited_by"], held["amount"]];
    };
    const userId = await createUser(sql);
    // Input of 100 × 0.0025, output at 0.01, per thousand.
    assertEquals(await whole(2000), [2000, "client", "0.02025"]);
    assertEquals(await whole(null), [16384, "model", "0.16409"]);
    await call(service, "grant_credit", {
      p_user_id: userId,
      p_amount: "-9.9",
      p_kind: "adjustment",
      p_key: "less",
    });
    assertEquals(await whole(null), [9975, "balance", "0.1"]);
  }));

Deno.test("a guest's whole answer is held up to the guests' limit, at no amount", () =>
  withDatabase(async ({ service }) => {
    const { held } = await reserve(service, {
      guest: { tokenId: "t", addressHash: "a" },
      outputTokensMax: null,
      canExtend: false,
    });
    assertEquals(
      [held["output_tokens_reserved"], held["output_limited_by"], held["amount"]],
      [4096, "guest", "0"],
    );
  }));

Deno.test("a heartbeat keeps a whole answer alive without raising what it holds", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId, held } = await reserve(service, {
      userId,
      outputTokensMax: 2000,
      canExtend: false,
    });
    const extended = await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 9000,
      p_input_tokens: 100,
      p_output_tokens: 0,
    });
    assertEquals([extended["state"], extended["output_tokens_reserved"]], ["extended", 2000]);
    assertEquals((await accountOf(sql, userId)).reserved, held["amount"]);
  }));

Deno.test("the models that hide their reasoning are the ones that are known to", () =>
  withDatabase(async ({ sql }) => {
    const rows = await sql`
      select provider_id || ':' || model_id as model from public.model_pricing
      where hides_reasoning order by 1`;
    assertEquals(rows.map((row) => row["model"]), [
      "google:gemini-2.5-flash",
      "google:gemini-2.5-flash-lite",
      "google:gemini-2.5-pro",
      "openai:gpt-5",
      "openai:gpt-5-mini",
      "openai:gpt-5-nano",
      "openai:o3",
      "openai:o4-mini",
      "xai:grok-3-mini",
      "xai:grok-4",
    ]);
  }));
