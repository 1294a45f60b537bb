/** A request that goes to its provider while it is still being reserved: how it ends, at whose cost. */
import { assert, assertEquals } from "@std/assert";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import { USER } from "../fakes.ts";
import { earlyProxy, type Options, REFUSED, settleDown } from "./early_start_harness.ts";
import { priceOf } from "./handler_harness.ts";

/** The provider's own name of it. */
const LIMIT = "max_completion_tokens";

Deno.test("refused: the provider's request is ended, the client gets its 402, the house's loss is recorded once, and the user's next request waits", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const { response } = proxy.send({ max_tokens: 200 });
  const upstream = await proxy.upstreamNo(2);
  const reserve = await proxy.reserveNo(2);
  proxy.clock.nowMs += 20;
  reserve.refuse();
  const refused = await response;
  assertEquals([refused.status, (await refused.json()).code], [402, "INSUFFICIENT_BALANCE"]);
  assert(upstream.signal.aborted);
  await Promise.all(proxy.background);
  // 200 tokens at $10 a million, and the prompt's bound at $2.50 a million: by hand.
  const input = BigInt(reserve.args.inputTokensMax);
  const amount = `0.00${(20_000_000n + input * 25_000n).toString().replace(/0+$/, "")}`;
  assertEquals(proxy.recorded, [{
    kind: "early_start_refused",
    userId: USER,
    requestId: reserve.args.requestId,
    details: { amount, model: "openai:gpt-4o", reason: "INSUFFICIENT_BALANCE" },
  }]);

  // It is granted again, and all the same not trusted for a while.
  for (const n of [3, 4]) {
    const next = proxy.send();
    const reserve = await proxy.reserveNo(n);
    await settleDown();
    assertEquals(proxy.upstreams.length, n - 1);
    reserve.grant();
    (await proxy.upstreamNo(n)).answer();
    await (await next.response).text();
  }
  assertEquals(proxy.counts("settle", "release"), [3, 0]);
});

Deno.test("the loss of a stream that is cut counts the output of the time it ran, of any other all of its output", async () => {
  const lossOf = async (options: Options, body: Record<string, unknown>) => {
    const proxy = earlyProxy({ ...options, lossLeft: "100" });
    await proxy.makeKnown("100");
    const { response } = proxy.send(body);
    await proxy.upstreamNo(2);
    const reserve = await proxy.reserveNo(2);
    proxy.clock.nowMs += 100;
    reserve.refuse();
    await (await response).text();
    await Promise.all(proxy.background);
    const [whole = "", decimals = ""] = String(proxy.recorded[0]!.details["amount"]).split(".");
    const amount = BigInt(whole + decimals.padEnd(10, "0"));
    // What is left without the prompt, in tokens at $10 a million.
    return Number((amount - BigInt(reserve.args.inputTokensMax) * 25_000n) / 100_000n);
  };
  const price = priceOf({ max_output_tokens: 50_000 });
  assertEquals(await lossOf({ price }, {}), 3_300);
  assertEquals(await lossOf({ price }, { stream: false }), 50_000);
  const drained = priceOf({ provider_id: "groq", max_output_tokens: 50_000 });
  const variables = { GROQ_API_KEY: "gsk" };
  assertEquals(await lossOf({ price: drained, variables }, { model: "groq:gpt-4o" }), 50_000);
});

Deno.test("an early answer that is there when its request is refused is not read on", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const { response } = proxy.send();
  const upstream = await proxy.upstreamNo(2);
  upstream.answer();
  await settleDown();
  (await proxy.reserveNo(2)).refuse();
  assertEquals((await response).status, 402);
  await (await response).text();
  await settleDown();
  assertEquals([upstream.signal.aborted, upstream.isCancelled], [true, true]);
});

Deno.test("not as assumed: the early request is ended and recorded, and one with the right limit sent", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const { response } = proxy.send({ max_tokens: 800 });
  const early = await proxy.upstreamNo(2);
  (await proxy.reserveNo(2)).grant({ output_tokens_limit: 300, output_limited_by: "balance" });
  const right = await proxy.upstreamNo(3);
  assertEquals([early.body[LIMIT], right.body[LIMIT]], [800, 300]);
  assertEquals([early.signal.aborted, right.signal.aborted], [true, false]);
  right.answer();
  const answered = await response;
  assertEquals(answered.headers.get("x-output-limited-by"), "balance");
  await answered.text();
  await Promise.all(proxy.background);
  assertEquals(proxy.recorded.map(({ details }) => details["reason"]), ["other_limit"]);
  assertEquals(proxy.counts("settle", "release"), [2, 0]);
});

Deno.test("granted less than a model takes: refused, released, and the early request ended", async () => {
  const price = priceOf({ model_id: "gpt-4o", max_output_tokens: 1000 });
  const proxy = earlyProxy({ price });
  await proxy.makeKnown();
  const { response } = proxy.send();
  const upstream = await proxy.upstreamNo(2);
  (await proxy.reserveNo(2)).grant({ output_tokens_limit: 0, output_limited_by: "balance" });
  assertEquals((await response).status, 402);
  await (await response).text();
  await Promise.all(proxy.background);
  assert(upstream.signal.aborted);
  assertEquals(proxy.upstreams.length, 2);
  assertEquals(proxy.recorded.map(({ details }) => details["reason"]), ["too_little"]);
  assertEquals(proxy.counts("settle", "release"), [1, 1]);
});

Deno.test("what an isolate lost counts until the ledger's word has it, and what is under way counts as lost", async () => {
  // One request may lose its prompt and 1,000 tokens: a bit over a cent.
  const proxy = earlyProxy({ lossLeft: "0.015" });
  await proxy.makeKnown();
  const first = proxy.send();
  await proxy.upstreamNo(2);
  const second = proxy.send();
  await proxy.reserveNo(3);
  await settleDown();
  assertEquals(proxy.upstreams.length, 2, "two at once could lose more than is left");
  proxy.reserves[1]!.grant();
  proxy.upstreams[1]!.answer();
  await (await first.response).text();
  proxy.reserves[2]!.grant();
  (await proxy.upstreamNo(3)).answer();
  await (await second.response).text();

  // Nothing was lost by them, so the next one starts early again; it is refused.
  const third = proxy.send();
  await proxy.upstreamNo(4);
  (await proxy.reserveNo(4)).refuse({
    code: "TOO_MANY_REQUESTS",
    message: "Wait.",
  });
  await (await third.response).text();
  await Promise.all(proxy.background);
  proxy.clock.nowMs += 6 * 60_000; // The user is trusted again.
  const startsNow = async () => {
    await proxy.makeKnown();
    const n = proxy.upstreams.length;
    const { response } = proxy.send();
    const reserve = await proxy.reserveNo(proxy.reserves.length + 1);
    await settleDown();
    const isEarly = proxy.upstreams.length > n;
    reserve.grant();
    (await proxy.upstreamNo(n + 1)).answer();
    await (await response).text();
    return isEarly;
  };
  assertEquals(await startsNow(), false);
  // The ledger was asked after the loss was recorded, and says what is left.
  proxy.settings.earlyStarts = {
    ...proxy.settings.earlyStarts!,
    askedAtMs: proxy.clock.nowMs,
  };
  assertEquals(await startsNow(), true);
});

Deno.test("the ledger is away: 503, the early request is ended and recorded later, and nobody starts early for a minute", async () => {
  const later: unknown[] = [];
  const away = () => Promise.reject(new LedgerUnavailable("record_incident", "network"));
  const proxy = earlyProxy({ ledger: { recordIncident: away } });
  proxy.deps.recordLater = (incident) => void later.push(incident);
  await proxy.makeKnown();
  const { response } = proxy.send();
  const upstream = await proxy.upstreamNo(2);
  (await proxy.reserveNo(2)).fail(new LedgerUnavailable("reserve", "network"));
  assertEquals((await response).status, 503);
  await (await response).text();
  await Promise.all(proxy.background);
  assert(upstream.signal.aborted);
  assertEquals(later.length, 1);

  const next = proxy.send();
  const reserve = await proxy.reserveNo(3);
  await settleDown();
  assertEquals(proxy.upstreams.length, 2);
  reserve.grant();
  (await proxy.upstreamNo(3)).answer();
  await (await next.response).text();
});

Deno.test("LEDGER_OUTAGE=allow: the early request is the one that is answered", async () => {
  const proxy = earlyProxy({ variables: { LEDGER_OUTAGE: "allow" } });
  await proxy.makeKnown();
  const { response } = proxy.send();
  const upstream = await proxy.upstreamNo(2);
  (await proxy.reserveNo(2)).fail(new LedgerUnavailable("reserve", "network"));
  upstream.answer();
  assertEquals((await response).status, 200);
  await (await response).text();
  await Promise.all(proxy.background);
  assertEquals([proxy.upstreams.length, proxy.recorded.length], [2, 0]);
});

Deno.test("usage_tracking was just switched off: the early request is the one that is answered", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const { response } = proxy.send();
  await proxy.upstreamNo(2);
  (await proxy.reserveNo(2)).untracked();
  proxy.upstreams[1]!.answer();
  assertEquals((await response).status, 200);
  await (await response).text();
  assertEquals(proxy.upstreams.length, 2);
});

Deno.test("a provider that fails before the reservation is there is not asked again until it is", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const { response } = proxy.send();
  (await proxy.upstreamNo(2)).answer(Response.json({ error: {} }, { status: 503 }));
  await settleDown();
  assertEquals(proxy.upstreams.length, 2);
  (await proxy.reserveNo(2)).grant();
  (await proxy.upstreamNo(3)).answer();
  assertEquals((await response).status, 200);
  await (await response).text();
  assertEquals(proxy.counts("settle", "release"), [2, 0]);
});

Deno.test("what a provider rejects early is released where it was granted, and costs the house nothing where it was refused", async () => {
  for (const outcome of ["grant", "refuse"] as const) {
    const proxy = earlyProxy();
    await proxy.makeKnown();
    const { response } = proxy.send();
    const wrong = { error: { message: "bad temperature" } };
    (await proxy.upstreamNo(2)).answer(Response.json(wrong, { status: 400 }));
    await settleDown();
    (await proxy.reserveNo(2))[outcome]();
    assertEquals((await response).status, outcome === "grant" ? 400 : 402);
    await (await response).text();
    await Promise.all(proxy.background);
    assertEquals(proxy.counts("settle", "release"), [1, outcome === "grant" ? 1 : 0]);
    assertEquals(proxy.recorded, []);
  }
});

Deno.test("a clock that is set back while a request is under way: 402 all the same, the loss counts as the longest, and nothing stays held", async () => {
  const proxy = earlyProxy({ lossLeft: "0.05" });
  await proxy.makeKnown();
  const { response } = proxy.send();
  await proxy.upstreamNo(2);
  proxy.clock.nowMs -= 3_000;
  (await proxy.reserveNo(2)).refuse(REFUSED);
  assertEquals((await response).status, 402);
  await (await response).text();
  assertEquals(proxy.upstreams[1]!.signal.aborted, true);
  assertEquals(proxy.recorded.map(({ kind }) => kind), ["early_start_refused"]);
  assert(Number(proxy.recorded[0]!.details["amount"]) > 0);
  // A day later the loss counts no longer, and what was held neither.
  proxy.clock.nowMs += 48 * 3600_000;
  proxy.settings.earlyStarts = { ...proxy.settings.earlyStarts!, askedAtMs: proxy.clock.nowMs };
  const next = proxy.send();
  (await proxy.reserveNo(3)).grant();
  (await proxy.upstreamNo(3)).answer();
  await (await next.response).text();
  const early = proxy.send();
  (await proxy.upstreamNo(4)).answer();
  assertEquals(proxy.counts("reserve")[0], 4);
  (await proxy.reserveNo(4)).grant();
  await (await early.response).text();
});
