/** What is charged: an answer that is created, once, under a request id of ours. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { SettleArgs } from "../../../shared/credit/requests.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER } from "../fakes.ts";
import { ASKING, proxyOn, wholeAnswer } from "./handler_harness.ts";
import { answerOf } from "./relay_harness.ts";

const request = (method: string, path: string, body?: unknown) =>
  new Request(`http://edge.test/chat-proxy${path}`, {
    method,
    headers: AS_USER,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const asking = (headers: Record<string, string> = {}) => {
  const asked = request("POST", "/v1/chat/completions", ASKING);
  for (const [name, value] of Object.entries(headers)) asked.headers.set(name, value);
  return asked;
};

/** The routes of the providers that read, poll, list or end what was created before. */
const NOT_CREATING = [
  ["GET", "/v1/responses/resp_1"],
  ["GET", "/v1/responses/resp_1?stream=true"],
  ["GET", "/v1/responses/resp_1/input_items"],
  ["POST", "/v1/responses/resp_1/cancel"],
  ["DELETE", "/v1/responses/resp_1"],
  ["GET", "/v1/responses"],
  ["GET", "/v1/chat/completions"],
  ["GET", "/v1/chat/completions/chatcmpl-1"],
  ["GET", "/v1/chat/completions/chatcmpl-1/messages"],
  ["GET", "/v1/messages/batches/msgbatch_1/results"],
  ["POST", "/v1/messages/count_tokens"],
  ["GET", "/v1beta/operations/op-1"],
  ["GET", "/v1beta/models/google:gemini:generateContent"],
] as const;

Deno.test("lesson 25: reading, polling or ending an answer that was created before charges nothing and reaches no provider", async () => {
  for (const [method, path] of NOT_CREATING) {
    const { deps, steps, background } = proxyOn();
    const body = method === "POST" ? ASKING : undefined;
    const response = await createHandler(deps)(request(method, path, body));
    await response.text();
    await Promise.all(background);
    assert([404, 405].includes(response.status), `${method} ${path}: ${response.status}`);
    assertEquals(steps, [], `${method} ${path}`);
  }
});

Deno.test("lesson 25: an answer whose usage and last event come twice is charged once", async () => {
  const events = answerOf(["Hi", " there"]).split(/(?<=\n\n)/);
  const twice = [...events.slice(0, -1), ...events.slice(-2), ...events.slice(-2)].join("");
  const { deps, steps, background } = proxyOn({
    provider: () => new Response(twice, { headers: { "content-type": "text/event-stream" } }),
  });
  const asked = request("POST", "/v1/chat/completions", { ...ASKING, stream: true });
  await (await createHandler(deps)(asked)).text();
  await Promise.all(background);
  assertEquals(settled(steps).map(({ tokens }) => [tokens.input, tokens.output]), [[12, 2]]);
});

/** A whole answer under the id that a provider gives it, or none. */
async function answerUnder(id: unknown): Promise<Response> {
  const answer = await wholeAnswer().json();
  return Response.json({ ...answer, id });
}

const settled = (steps: readonly (readonly unknown[])[]) =>
  steps.filter(([name]) => name === "settle").map((step) => step[1] as SettleArgs);

Deno.test("lesson 26: answers whose provider's ids are empty, repeated or absent are each charged, under an id of ours", async () => {
  const ids = ["", "", "chatcmpl-1", "chatcmpl-1", undefined, null, 7];
  const charged: SettleArgs[] = [];
  for (const id of ids) {
    const { deps, steps } = proxyOn({ provider: () => answerUnder(id) });
    const response = await createHandler(deps)(asking());
    await response.text();
    const charges = settled(steps);
    assertEquals(charges.length, 1, `under the id ${JSON.stringify(id)}`);
    const settle = charges[0]!;
    assertEquals(response.headers.get("x-request-id"), settle.requestId);
    const [, reserved] = steps.find(([name]) => name === "reserve") as [string, SettleArgs];
    assertEquals(reserved.requestId, settle.requestId);
    charged.push(settle);
  }
  assertEquals(new Set(charged.map(({ requestId }) => requestId)).size, ids.length);
});

Deno.test("lesson 26: no id that the caller sends becomes the request's", async () => {
  const theirs = "01a20378-aa45-7b13-a06b-b3d1e9d882da";
  const { deps, steps } = proxyOn();
  const headers = { "x-request-id": theirs, "request-id": theirs, "idempotency-key": theirs };
  const response = await createHandler(deps)(asking(headers));
  await response.text();
  assertNotEquals(response.headers.get("x-request-id"), theirs);
  assertNotEquals(settled(steps)[0]?.requestId, theirs);
});

Deno.test("an Idempotency-Key that is empty, blank or too long is a 400, and nobody is asked: its app believes that a retry is safe", async () => {
  for (const key of ["", "  ", "k".repeat(256)]) {
    const { deps, steps } = proxyOn();
    const response = await createHandler(deps)(asking({ "idempotency-key": key }));
    assertEquals(response.status, 400);
    assertEquals((await response.json()).code, "INVALID_REQUEST");
    assertEquals(steps, []);
  }
});

Deno.test("lesson 30: a request asks the ledger once a phase: one reserve, one settle", async () => {
  const streamed = () =>
    new Response(answerOf(["Hi"]), { headers: { "content-type": "text/event-stream" } });
  for (const stream of [false, true]) {
    const { deps, steps, background } = proxyOn({ provider: stream ? streamed : wholeAnswer });
    const asked = request("POST", "/v1/chat/completions", { ...ASKING, stream });
    await (await createHandler(deps)(asked)).text();
    await Promise.all(background);
    assertEquals(steps.map(([name]) => name), ["reserve", "fetch", "settle"]);
  }
});
