/**
 * The answer of `reserve`, the provider's headers and the client's leaving in every order: each request
 * is settled or released exactly once where it was granted, and nothing is relayed before.
 */
import { assert, assertEquals } from "@std/assert";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import { type Asked, earlyProxy, settleDown, type Upstream } from "./early_start_harness.ts";

type Ledgers = "granted" | "granted_less" | "refused" | "away";
type Providers = "answers" | "rejects" | "fails" | "breaks";

const byLedger: Record<Ledgers, (reserve: Asked) => void> = {
  granted: (reserve) => reserve.grant(),
  granted_less: (reserve) =>
    reserve.grant({ output_tokens_limit: 500, output_limited_by: "balance" }),
  refused: (reserve) => reserve.refuse(),
  away: (reserve) => reserve.fail(new LedgerUnavailable("reserve", "network")),
};
const byProvider: Record<Providers, (upstream: Upstream) => void> = {
  answers: (upstream) => upstream.answer(),
  rejects: (upstream) => upstream.answer(Response.json({ error: {} }, { status: 400 })),
  fails: (upstream) => upstream.answer(Response.json({ error: {} }, { status: 500 })),
  breaks: (upstream) => upstream.fail(new TypeError("the connection broke")),
};

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) =>
    permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest])
  );
}

async function race(ledger: Ledgers, provider: Providers, order: string[]): Promise<void> {
  const what = `${ledger}, ${provider}: ${order.join(", ")}`;
  const proxy = earlyProxy({ variables: { UPSTREAM_RETRIES: "0" } });
  await proxy.makeKnown();
  const before = proxy.counts("settle", "release");
  const client = new AbortController();
  const { response, state } = proxy.send({}, { signal: client.signal });
  const upstream = await proxy.upstreamNo(2);
  const reserve = await proxy.reserveNo(2);
  for (const event of order) {
    if (event === "ledger") byLedger[ledger](reserve);
    if (event === "provider") byProvider[provider](upstream);
    if (event === "client") client.abort();
    if (event === "pause") await settleDown();
    const isAnswered = order.indexOf("ledger") <= order.indexOf(event);
    if (!isAnswered) assertEquals(state.response, null, `relayed before a grant: ${what}`);
  }
  // Where another request was sent, that one is answered as well.
  await settleDown();
  if (proxy.upstreams.length > 2) byProvider[provider](proxy.upstreams[2]!);
  const answered = await response;
  // Deno's server cancels the body of a client that has left; nobody else reads it.
  if (client.signal.aborted) await answered.body?.cancel();
  else await answered.text();
  await settleDown();
  await Promise.all(proxy.background);

  const ends = proxy.counts("settle", "release").map((n, i) => n - before[i]!);
  const isGranted = ledger === "granted" || ledger === "granted_less";
  const isUsed = ledger === "granted";
  // A reserve that nobody answered is released as well, in case it was done.
  if (ledger === "away") assert(ends[0] === 0 && ends[1]! >= 1, what);
  else assertEquals(ends[0]! + ends[1]!, isGranted ? 1 : 0, what);
  assertEquals(proxy.upstreams.length, ledger === "granted_less" ? 3 : 2, what);
  if (!isUsed) assert(upstream.signal.aborted, what);
  const isFree = isUsed || (provider === "rejects" &&
    order.indexOf("provider") < order.indexOf("ledger") &&
    proxy.recorded.length === 0);
  assertEquals(proxy.recorded.length, isFree ? 0 : 1, what);
  if (!isGranted) {
    assertEquals(answered.status, ledger === "refused" ? 402 : 503, what);
  }
}

for (const ledger of ["granted", "granted_less", "refused", "away"] as const) {
  Deno.test(`${ledger}: in every order of reserve, provider and client it ends once, and nothing is relayed before a grant`, async () => {
    const orders = [
      ...permutations(["ledger", "provider", "client", "pause"]),
      ["provider", "ledger"],
      ["ledger", "pause", "provider"],
    ];
    for (const provider of ["answers", "rejects", "fails", "breaks"] as const) {
      await Promise.all(orders.map((order) => race(ledger, provider, order)));
    }
  });
}

Deno.test("a reserve that takes two seconds: the early request is ended and recorded, another is sent after the grant, and nobody starts early meanwhile", async () => {
  const proxy = earlyProxy();
  await proxy.makeKnown();
  const after = timersOf(2_000);
  try {
    const first = proxy.send();
    const upstream = await proxy.upstreamNo(2);
    after.pass();
    assert(upstream.signal.aborted);
    await settleDown();
    assertEquals(proxy.recorded.map(({ details }) => details["reason"]), ["reserve_too_slow"]);
    const second = proxy.send();
    await proxy.reserveNo(3);
    await settleDown();
    assertEquals(proxy.upstreams.length, 2);
    for (const [n, { response }] of [first, second].entries()) {
      (await proxy.reserveNo(n + 2)).grant();
      (await proxy.upstreamNo(n + 3)).answer();
      assertEquals((await response).status, 200);
      await (await response).text();
    }
    assertEquals(proxy.counts("settle", "release"), [3, 0]);
    assertEquals(proxy.recorded.length, 1);
  } finally {
    after.restore();
  }
});

/** Holds back the timers of this many milliseconds until they are told to pass. */
function timersOf(heldMs: number) {
  const real = globalThis.setTimeout;
  const held: (() => void)[] = [];
  globalThis.setTimeout = ((run: () => void, ms?: number) => {
    if (ms !== heldMs) return real(run, ms);
    held.push(run);
    return undefined;
  }) as typeof setTimeout;
  return {
    pass: () => held.forEach((run) => run()),
    restore: () => void (globalThis.setTimeout = real),
  };
}
