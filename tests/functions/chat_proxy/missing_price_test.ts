import { assertEquals } from "@std/assert";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER } from "../fakes.ts";
import { ASKING, priceOf, proxyOn } from "./handler_harness.ts";

const NEW = priceOf({ model_id: "gpt-just-priced" });

const ask = (model: string) =>
  new Request("http://edge.test/chat-proxy/v1/chat/completions", {
    method: "POST",
    headers: AS_USER,
    body: JSON.stringify({ ...ASKING, model }),
  });

const look = (model: string) =>
  new Request(`http://edge.test/chat-proxy/v1/models/${model}`, { headers: AS_USER });

Deno.test("a model that was priced since the prices were read is served at once, and no incident", async () => {
  const { deps, steps } = proxyOn({ pricedSince: [NEW] });
  const handler = createHandler(deps);
  const response = await handler(ask("openai:gpt-just-priced"));
  await response.text();
  assertEquals(response.status, 200);
  assertEquals(steps.map(([name]) => name), ["reserve", "fetch", "settle"]);
  assertEquals(
    (await (await handler(look("gpt-just-priced"))).json()).id,
    "openai:gpt-just-priced",
  );
});

Deno.test("a model that newer prices lack as well is refused, and nothing is held or forwarded", async () => {
  const { deps, steps } = proxyOn({ pricedSince: [NEW] });
  const handler = createHandler(deps);
  for (const request of [ask("openai:gpt-never"), look("gpt-never")]) {
    const response = await handler(request);
    assertEquals([response.status, (await response.json()).code], [404, "MODEL_NOT_FOUND"]);
  }
  assertEquals(steps.map(([name]) => name), ["recordIncident"]);
});

Deno.test("a name without a price is an incident once in 10 minutes, and 20 names are", async () => {
  const { deps, steps } = proxyOn();
  let nowMs = 1_000_000;
  const handler = createHandler({ ...deps, now: () => nowMs });
  const askFor = async (...models: string[]) => {
    const before = steps.length;
    for (const model of models) await (await handler(ask(model))).text();
    return steps.length - before;
  };
  const invented = Array.from({ length: 30 }, (_, number) => `acme:invented-${number}`);

  assertEquals(await askFor("acme:absent", "acme:absent", "acme:absent"), 1);
  nowMs += 10 * 60_000 - 1;
  assertEquals(await askFor("acme:absent"), 0);
  nowMs += 1;
  assertEquals(await askFor("acme:absent", ...invented, ...invented), 20);
  nowMs += 10 * 60_000;
  assertEquals(await askFor("acme:absent", ...invented.slice(20)), 11);
});
