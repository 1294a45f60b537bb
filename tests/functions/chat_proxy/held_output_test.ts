/** What is held covers what may be billed, whichever model answers and whatever it answers in. */
import { assertEquals } from "@std/assert";
import type { Price } from "../../../shared/pricing/price.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER, type LedgerCalls } from "../fakes.ts";
import { ASKING, priceOf, proxyOn, RESERVATION, wholeAnswer } from "./handler_harness.ts";

const ASKED = priceOf({ max_output_tokens: 1000 });
const LONGER = priceOf({ model_id: "longer", max_output_tokens: 9000 });
const SHORTER = priceOf({ model_id: "shorter", max_output_tokens: 900 });
const UNKNOWN = priceOf({ model_id: "unknown" });

const missing = () => Response.json({ error: { message: "no such model" } }, { status: 404 });

/** The output limits that the asked model and another were sent, of a hold of 1,000 tokens. */
async function limitsSent(
  other: Price,
  body: Record<string, unknown> = {},
  limited: Partial<typeof RESERVATION> = {},
): Promise<unknown[]> {
  const answers = [missing, wholeAnswer];
  const candidates = [ASKED, other].map((price) => ({ model: `openai:${price.modelId}`, price }));
  const { deps, steps } = proxyOn({
    cached: ASKED,
    others: [other],
    ledger: { reserve: () => Promise.resolve({ ...RESERVATION, candidates, ...limited }) },
    provider: () => answers.shift()!(),
  });
  const response = await ask(deps, { models: [`openai:${other.modelId}`], ...body });
  const limitedBy = limited.output_limited_by ?? null;
  assertEquals([response.status, response.headers.get("x-output-limited-by")], [200, limitedBy]);
  await response.text();
  return (steps as LedgerCalls).filter(([name]) => name === "fetch")
    .map(([, sent]) => (sent as Record<string, unknown>)["max_completion_tokens"]);
}

function ask(
  deps: Parameters<typeof createHandler>[0],
  body: Record<string, unknown>,
  path = "v1/chat/completions",
): Promise<Response> {
  return createHandler(deps)(
    new Request(`http://edge.test/chat-proxy/${path}`, {
      method: "POST",
      headers: AS_USER,
      body: JSON.stringify({ ...ASKING, ...body }),
    }),
  );
}

Deno.test("a model to fall back to that can write more than is held is sent what is held as its limit", async () => {
  assertEquals(await limitsSent(LONGER), [undefined, 1000]);
  assertEquals(await limitsSent(UNKNOWN), [undefined, 1000]);
  assertEquals(await limitsSent(SHORTER), [undefined, undefined]);
});

Deno.test("what the balance pays for is sent to each model as far as it can write", async () => {
  const limited = { output_limited_by: "balance" as const, output_tokens_limit: 950 };
  assertEquals(await limitsSent(SHORTER, {}, limited), [950, 900]);
  assertEquals(await limitsSent(LONGER, {}, limited), [950, 950]);
});

Deno.test("a client's limit goes to every model as it is where it is held, and never above", async () => {
  assertEquals(await limitsSent(LONGER, { max_tokens: 700 }), [700, 700]);
  assertEquals(await limitsSent(LONGER, { max_tokens: 5000 }), [1000, 1000]);
});

Deno.test("media are held where they may come unasked or unseen, and not for text", async () => {
  const withMedia = async (price: Price, content: unknown): Promise<unknown> => {
    const { deps, steps } = proxyOn({ cached: price });
    await (await ask(deps, { messages: [{ role: "user", content }] })).text();
    const reserved = (steps as LedgerCalls).find(([name]) => name === "reserve")?.[1];
    return (reserved as Record<string, unknown>)["withMedia"];
  };
  const hears = priceOf({ input_audio_per_1k: "0.04", output_audio_per_1k: "0.08" });
  const file = [{
    type: "file",
    file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA" },
  }];
  assertEquals(await withMedia(priceOf(), "Hello"), false);
  assertEquals(await withMedia(hears, "Hello"), false);
  assertEquals(await withMedia(hears, file), true);
  assertEquals(await withMedia(priceOf({ output_image_per_1k: "0.03" }), "Hello"), true);
  assertEquals(await withMedia(priceOf({ input_image_per_1k: "0.03" }), "Hello"), true);
});

Deno.test("lesson 14: who leaves an answer that was searched for is charged the report: what was found is in no text of it", async () => {
  const encoder = new TextEncoder();
  const event = (data: Record<string, unknown>) =>
    encoder.encode(`event: ${data["type"]}\ndata: ${JSON.stringify(data)}\n\n`);
  const pieces = [
    event({ type: "response.created", response: { id: "resp_1" } }),
    event({ type: "response.output_text.delta", output_index: 0, delta: "All of the answer." }),
    event({
      type: "response.completed",
      response: {
        id: "resp_1",
        status: "completed",
        usage: { input_tokens: 9000, output_tokens: 5, total_tokens: 9005 },
        tool_usage: { web_search: { num_requests: 2 } },
      },
    }),
  ];
  const { deps, steps, background } = proxyOn({
    cached: priceOf({ web_search_fee: "0.01" }),
    provider: () =>
      new Response(
        new ReadableStream<Uint8Array>({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve));
            const piece = pieces.shift();
            if (piece === undefined) controller.close();
            else controller.enqueue(piece);
          },
        }, { highWaterMark: 0 }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  const response = await ask(deps, {
    stream: true,
    messages: undefined,
    input: "What is new?",
    tools: [{ type: "web_search" }],
    max_tool_calls: 3,
  }, "v1/responses");
  const reader = response.body!.getReader();
  await reader.read();
  await reader.read();
  await reader.cancel();
  await Promise.all(background);
  const settled = (steps as LedgerCalls).find(([name]) => name === "settle")?.[1] as {
    basis: string;
    tokens: { input: number };
    webSearches: number;
  };
  assertEquals([settled.basis, settled.tokens.input, settled.webSearches], ["reported", 9000, 2]);
});
