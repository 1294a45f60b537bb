import { assert, assertEquals } from "@std/assert";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER } from "../fakes.ts";
import { ASKING, priceOf, proxyOn, RESERVATION, SETTLED, wholeAnswer } from "./handler_harness.ts";
import { answerOf } from "./relay_harness.ts";

const ask = (body: unknown = ASKING, path = "/v1/chat/completions") =>
  new Request(`http://edge.test/chat-proxy${path}`, {
    method: "POST",
    headers: AS_USER,
    body: JSON.stringify(body),
  });

const streamedAnswer = () =>
  new Response(answerOf(["Hi", " there"]), { headers: { "content-type": "text/event-stream" } });

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  for (let turn = 0; turn < 10; turn++) {
    if (await Promise.race([promise, Promise.resolve(pending)]) !== pending) return true;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return false;
}

/** A ledger's answer that comes when the test says so. */
function held<T>(answer: T) {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { method: () => promise, letGo: () => resolve(answer) };
}

/**
 * Asks, with the ledger's last word held back: what the isolate is kept for must be known when the
 * response is there, and must not be over before that word is said.
 */
async function assertKept(
  set: Parameters<typeof proxyOn>[0],
  letGo: () => void,
  lastStep: string,
  body: unknown = ASKING,
): Promise<void> {
  const { deps, steps, background } = proxyOn(set);
  const response = await createHandler(deps)(ask(body));
  const known = [...background];
  const read = response.text();
  // The whole of a stream passes before its settle is asked for.
  while (!steps.some(([name]) => name === lastStep)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const kept: Promise<unknown>[] = [];
  for (const promise of known) if (!await isSettled(promise)) kept.push(promise);
  assert(kept.length > 0, `nothing waits for ${lastStep}`);
  letGo();
  await Promise.all(kept);
  await read;
}

Deno.test("the isolate is kept for a streamed answer from before its response until it is settled", async () => {
  const settle = held(SETTLED);
  const set = { ledger: { settle: settle.method }, provider: streamedAnswer };
  await assertKept(set, settle.letGo, "settle", { ...ASKING, stream: true });
});

Deno.test("the isolate is kept for the settle of a whole answer that outlasts the response", async () => {
  const settle = held(SETTLED);
  await assertKept({ ledger: { settle: settle.method } }, settle.letGo, "settle");
});

Deno.test("the isolate is kept for a release that outlasts the response, whatever failed", async () => {
  const providers = [
    () => new Response("down", { status: 500 }),
    () => Response.json({ error: { message: "no" } }, { status: 400 }),
    () => Promise.reject(new TypeError("no route to host")),
    () => new Response("<html>", { headers: { "content-type": "application/json" } }),
  ];
  await Promise.all(providers.map(async (provider) => {
    const release = held({ state: "released" } as const);
    await assertKept({ ledger: { release: release.method }, provider }, release.letGo, "release");
  }));
});

Deno.test("the isolate is kept for an empty answer's release, streamed or whole", async () => {
  const empty = () => Response.json({ choices: [], usage: null });
  const emptyStream = () =>
    new Response("data: [DONE]\n\n", { headers: { "content-type": "text/event-stream" } });
  for (const [provider, stream] of [[empty, false], [emptyStream, true]] as const) {
    const release = held({ state: "released" } as const);
    const set = { ledger: { release: release.method }, provider };
    await assertKept(set, release.letGo, "release", { ...ASKING, stream });
  }
});

Deno.test("the isolate is kept for an incident that the provider's refusal of our key makes", async () => {
  const record = held(null);
  const provider = () => Response.json({ error: { message: "bad key" } }, { status: 401 });
  const set = { ledger: { recordIncident: record.method }, provider };
  await assertKept(set, record.letGo, "recordIncident");
});

Deno.test("the isolate is kept for an incident of odd usage, and of a settle that is refused", async () => {
  const odd = held(null);
  const provider = () =>
    Response.json({
      choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }],
      usage: { prompt_tokens: -8, completion_tokens: 2, total_tokens: 10 },
    });
  const oddUsage = { ledger: { recordIncident: odd.method }, provider };
  await assertKept(oddUsage, odd.letGo, "recordIncident");

  const record = held(null);
  const closed: Refusal = { code: "REQUEST_NOT_FOUND", message: "There is no such reservation." };
  const ledger = { settle: () => Promise.resolve(closed), recordIncident: record.method };
  await assertKept({ ledger }, record.letGo, "recordIncident");
});

Deno.test("the isolate is kept for the release of a reserve that went unanswered", async () => {
  const release = held({ state: "released" } as const);
  const reserve = () => Promise.reject(new LedgerUnavailable("reserve", "timeout"));
  await assertKept({ ledger: { reserve, release: release.method } }, release.letGo, "release");
});

Deno.test("lesson 2: what the price cache says changes nothing of what is reserved, sent or charged", async () => {
  // What SQL answers: a newer price, and a limit by a balance that the cache knows nothing of.
  const reserve = () =>
    Promise.resolve({
      ...RESERVATION,
      price_version: 2,
      price: priceOf({ price_version: 2, output_per_1k: "0.02" }),
      output_tokens_limit: 77,
      output_limited_by: "balance" as const,
    });
  const seen = [];
  for (const output_per_1k of ["0", "0.02", "999"]) {
    const cached = priceOf({ input_per_1k: output_per_1k, output_per_1k, request_fee: "0" });
    const { deps, steps } = proxyOn({ ledger: { reserve }, provider: wholeAnswer, cached });
    const response = await createHandler(deps)(ask());
    await response.text();
    const told = ["x-cost", "x-balance", "x-output-limited-by"].map((name) =>
      response.headers.get(name)
    );
    const withoutIds = JSON.parse(
      JSON.stringify(steps),
      (name, value) => name === "requestId" || name === "durationMs" ? undefined : value,
    );
    seen.push({ status: response.status, told, steps: withoutIds });
  }
  assertEquals(seen[1], seen[0]);
  assertEquals(seen[2], seen[0]);
  assertEquals(seen[0]?.told, [SETTLED.cost, SETTLED.balance, "balance"]);
  assertEquals(seen[0]?.steps[1][1].max_completion_tokens, 77);
});

Deno.test("lesson 2: a model that only the cache still knows is refused, and nothing is forwarded", async () => {
  const gone: Refusal = { code: "MODEL_NOT_FOUND", message: "No such model.", model: ASKING.model };
  const { deps, steps } = proxyOn({ ledger: { reserve: () => Promise.resolve(gone) } });
  const response = await createHandler(deps)(ask());
  await response.text();
  assertEquals(response.status, 404);
  assertEquals(steps.map(([name]) => name), ["reserve", "recordIncident"]);
});
