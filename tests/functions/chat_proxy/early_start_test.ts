/** A request that goes to its provider while it is still being reserved: when it does, and when not. */
import { assert, assertEquals } from "@std/assert";
import { AS_OPERATOR, USER } from "../fakes.ts";
import { earlyProxy, type Options, settleDown } from "./early_start_harness.ts";
import { priceOf } from "./handler_harness.ts";

/** Whether a second request of a user is at its provider before its reserve is answered. */
async function startsEarly(
  options: Options & {
    available?: string;
    known?: Parameters<ReturnType<typeof earlyProxy>["makeKnown"]>[1];
    body?: Record<string, unknown>;
    headers?: Record<string, string>;
  } = {},
): Promise<boolean> {
  const proxy = earlyProxy(options);
  await proxy.makeKnown(options.available, options.known);
  const { response } = proxy.send(options.body, { headers: options.headers ?? {} });
  const reserve = await proxy.reserveNo(2);
  await settleDown();
  const isEarly = proxy.upstreams.length === 2;
  reserve.grant();
  (await proxy.upstreamNo(2)).answer();
  await (await response).text();
  await Promise.all(proxy.background);
  assertEquals(proxy.upstreams.length, 2, "asked more often than once each");
  assertEquals(proxy.counts("reserve", "settle", "release"), [2, 2, 0]);
  assertEquals(proxy.recorded, []);
  return isEarly;
}

Deno.test("a request of a known and well funded account is at its provider before reserve is answered", async () => {
  assert(await startsEarly());
});

Deno.test("an account that this isolate does not know waits for its reserve", async () => {
  const proxy = earlyProxy();
  const { response } = proxy.send();
  const reserve = await proxy.reserveNo(1);
  await settleDown();
  assertEquals(proxy.upstreams.length, 0);
  reserve.grant();
  (await proxy.upstreamNo(1)).answer();
  await (await response).text();
});

Deno.test("nothing of an early answer reaches the client, no header either, before the reservation is granted", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const { response, state } = proxy.send();
  (await proxy.upstreamNo(2)).answer();
  await settleDown();
  assertEquals(state.response, null);
  (await proxy.reserveNo(2)).grant();
  assertEquals((await response).status, 200);
  assert((await (await response).text()).includes("Hi"));
  assertEquals(proxy.counts("settle", "release"), [2, 0]);
});

Deno.test("what goes upstream early is what would have gone after the reservation", async () => {
  for (
    const body of [{}, { max_tokens: 100 }, { max_tokens: 5000 }, { max_completion_tokens: 1000 }]
  ) {
    const bodies = await Promise.all([null, "1"].map(async (lossLeft) => {
      const proxy = earlyProxy({ lossLeft });
      await proxy.makeKnown();
      const { response } = proxy.send(body);
      if (lossLeft !== null) await proxy.upstreamNo(2);
      (await proxy.reserveNo(2)).grant();
      (await proxy.upstreamNo(2)).answer();
      await (await response).text();
      assertEquals(proxy.upstreams.length, 2);
      return JSON.stringify(proxy.upstreams[1]!.body);
    }));
    assertEquals(bodies[1], bodies[0]);
  }
});

Deno.test("the day's bound used up or switched off: no early start", async () => {
  assertEquals(await startsEarly({ lossLeft: "0" }), false);
  assertEquals(await startsEarly({ lossLeft: null }), false);
});

Deno.test("a floor, the minimum balance and three times the whole answer must be there", async () => {
  assertEquals(await startsEarly({ available: "0.50" }), false);
  assertEquals(await startsEarly({ available: "0.52" }), true);
  assertEquals(await startsEarly({ available: "0.52", minimumBalance: "0.03" }), false);
  // 100,000 tokens are a dollar.
  const price = priceOf({ max_output_tokens: 100_000 });
  assertEquals(await startsEarly({ price, available: "3.01" }), false);
  assertEquals(await startsEarly({ price, available: "3.03" }), true);
});

Deno.test("two requests of one user near the edge: the second counts what the first may need, and waits", async () => {
  const price = priceOf({ max_output_tokens: 100_000 });
  const proxy = earlyProxy({ price });
  await proxy.makeKnown("3.5");
  const first = proxy.send();
  await proxy.upstreamNo(2);
  const second = proxy.send();
  const reserve = await proxy.reserveNo(3);
  await settleDown();
  assertEquals(proxy.upstreams.length, 2);
  proxy.reserves[1]!.grant();
  proxy.upstreams[1]!.answer();
  await (await first.response).text();
  reserve.grant();
  (await proxy.upstreamNo(3)).answer();
  await (await second.response).text();
  assertEquals(proxy.counts("settle", "release"), [3, 0]);
});

Deno.test("a charge lowers what is known of an account", async () => {
  // The harness's charge leaves $9.9988; a reservation told $10 before it.
  assertEquals(await startsEarly({ minimumBalance: "9.499" }), false);
  assertEquals(await startsEarly({ minimumBalance: "9.498" }), true);
});

Deno.test("guests, operators, other switches, what hides its cost, and a user near a limit wait for their reserve", async () => {
  assertEquals(await startsEarly({ headers: { ...AS_OPERATOR, "x-user-id": USER } }), false);
  assertEquals(await startsEarly({ variables: { BALANCE_ENFORCEMENT: "observe" } }), false);
  assertEquals(await startsEarly({ known: { enforcement: "observe" } }), false);
  assertEquals(await startsEarly({ known: { output_limited_by: "spend_limit" } }), false);
  const limit = { limit: 60, remaining: 4, reset_seconds: 30 };
  assertEquals(await startsEarly({ known: { requests_limit: limit } }), false);
  assertEquals(await startsEarly({ known: { requests_limit: { ...limit, remaining: 5 } } }), true);
  assertEquals(await startsEarly({ price: priceOf({ allowed: false }) }), false);
  const file = { type: "file", file: { file_data: "data:application/pdf;base64,JVBERi0=" } };
  const messages = [{ role: "user", content: [file] }];
  assertEquals(await startsEarly({ body: { messages } }), false);
});

Deno.test("a repeated Idempotency-Key waits for its reserve; a new one does not", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const headers = { "idempotency-key": "one" };
  const first = proxy.send({}, { headers });
  await proxy.upstreamNo(2);
  const repeat = proxy.send({}, { headers });
  const reserve = await proxy.reserveNo(3);
  await settleDown();
  assertEquals(proxy.upstreams.length, 2);
  reserve.refuse({
    code: "DUPLICATE_REQUEST",
    message: "It runs.",
    request_id: "r",
    state: "open",
  });
  assertEquals((await repeat.response).status, 409);
  await (await repeat.response).text();
  proxy.reserves[1]!.grant();
  proxy.upstreams[1]!.answer();
  await (await first.response).text();
  assertEquals(proxy.recorded, []);
});
