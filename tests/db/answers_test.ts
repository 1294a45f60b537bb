/** What SQL answers is what `shared/credit` reads. */
import { assertEquals } from "@std/assert";
import * as z from "zod/mini";
import { ReceiptSchema } from "../../shared/credit/reports.ts";
import { ReservationSchema, SettlementSchema } from "../../shared/credit/results.ts";
import { withDatabase } from "../support/database.ts";
import { call, createUser, reserve, settle } from "../support/ledger_calls.ts";

Deno.test("a reservation, its settlement and its receipt are read as they were written, with all that there can be", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update model_pricing set web_search_fee = null where model_id = 'gpt-4.1'`;
    const { requestId, held } = await reserve(service, {
      userId: await createUser(sql),
      fallbackModels: ["openai:gpt-4.1", "google:gemini-2.5-pro"],
      withMedia: true,
      webSearchesMax: 1,
    });
    const reservation = z.parse(ReservationSchema, held);
    assertEquals(reservation.candidates.map(({ model }) => model), [
      "openai:gpt-4o",
      "openai:gpt-4.1",
      "google:gemini-2.5-pro",
    ]);
    assertEquals(reservation.candidates.every(({ price }) => price.version !== null), true);
    assertEquals(reservation.price.webSearchFee, 100_000_000n);

    const settled = await settle(service, requestId, 100, 50, "reported", {
      p_model: "openai:gpt-4.1",
      p_input_image_tokens: 40,
      p_web_searches: 1,
      p_other_models: [{
        model: "gpt-4o",
        input: 1,
        cache_read: 0,
        cache_write_5m: 0,
        cache_write_1h: 0,
        output: 1,
      }],
      p_provider_cost: "0.0006",
      p_service_tier: "default",
      p_flags: ["total_mismatch"],
    });
    const settlement = z.parse(SettlementSchema, settled);
    assertEquals([settlement.model, settlement.provider_cost], ["openai:gpt-4.1", "0.0006"]);

    const receipt = z.parse(
      ReceiptSchema,
      await call(service, "receipt", { p_user_id: null, p_request_id: requestId }),
    );
    assertEquals(receipt?.lines?.map((line) => [line.class, line["model"] ?? null]), [
      ["input", null],
      ["input_image", null],
      ["output", null],
      ["web_search", null],
      ["input", "openai:gpt-4o"],
      ["output", "openai:gpt-4o"],
    ]);
    assertEquals(receipt?.flags, ["total_mismatch", "unpriced_tool"]);
  }));
