import { assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import { call, createUser, refusalOf, reserve, settle } from "../support/ledger_calls.ts";
import { toBase64 } from "../../shared/edge/base64.ts";

const BYTES = new Uint8Array(100_000).map((_, at) => (at * 31) % 256);

function exchange(userId: string, requestId: string) {
  return {
    p_request_id: requestId,
    p_user_id: userId,
    p_chat_id: null,
    p_dialect: "openai-chat",
    p_model: "openai:gpt-4o",
    p_request: "{}",
    p_answer: "Hello",
    p_response: toBase64(BYTES),
    p_response_type: "text/event-stream",
  };
}

Deno.test("an exchange that 20 connections save at once is one row, with its bytes as they were", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const row = exchange(userId, crypto.randomUUID());
    await Promise.all(Array.from({ length: 20 }, () => call(service, "save_exchange", row)));
    const rows = await sql`select response from public.chat_exchanges`;
    assertEquals(rows.length, 1);
    assertEquals(new Uint8Array(rows[0]?.["response"]), BYTES);
  }));

Deno.test("an ended request is told with its receipt and its stored answer, to its user alone", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId, idempotencyKey: "k", requestHash: "h" });
    const ask = (user: string) =>
      call<
        { exchange: { response: string } | null; receipt: unknown; ended_ms_ago: number | null }
      >(
        service,
        "ended_request",
        { p_user_id: user, p_request_id: requestId },
      );
    assertEquals(await ask(userId), { exchange: null, receipt: null, ended_ms_ago: null });
    await settle(service, requestId, 100, 10);
    await call(service, "save_exchange", exchange(userId, requestId));
    const repeated = await refusalOf(
      reserve(service, { userId, idempotencyKey: "k", requestHash: "h" }),
    );
    assertEquals([repeated.code, repeated.evidence["state"]], ["DUPLICATE_REQUEST", "settled"]);
    const ended = await ask(userId);
    assertEquals(ended.exchange?.response.replaceAll("\n", ""), toBase64(BYTES));
    assertEquals(
      ended.receipt,
      await call(service, "receipt", { p_user_id: userId, p_request_id: requestId }),
    );
    assertEquals(ended.ended_ms_ago !== null && ended.ended_ms_ago < 60_000, true);
    assertEquals(await ask(await createUser(sql)), {
      exchange: null,
      receipt: null,
      ended_ms_ago: null,
    });
  }));

Deno.test("what is past its days is forgotten batch by batch, the oldest first", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    for (let days = 1; days <= 5; days++) {
      const requestId = crypto.randomUUID();
      await call(service, "save_exchange", exchange(userId, requestId));
      await sql`update public.chat_exchanges set created_at = now() - make_interval(days => ${days})
        where request_id = ${requestId}`;
    }
    await sql`update billing.settings set chat_history_days = 2`;
    const left = async () => {
      const rows = await sql`
        select round(extract(epoch from now() - created_at) / 86400)::int as days
        from public.chat_exchanges order by days`;
      return rows.map((row) => row["days"]);
    };
    await sql`select billing.prune_exchanges(2)`;
    assertEquals(await left(), [1, 2, 3]);
    await sql`select billing.prune_exchanges(2)`;
    assertEquals(await left(), [1]);
  }));
