import { assertEquals, assertMatch } from "@std/assert";
import { addRoute, answerJson, createApp } from "../../shared/edge/app.ts";
import { newRequestId } from "../../shared/edge/request_id.ts";

function app(origins?: string[]) {
  const created = createApp({
    slug: "balance",
    ...(origins && { readOrigins: () => Promise.resolve(origins) }),
    refusalFromError: (error) =>
      error instanceof RangeError
        ? { code: "LEDGER_UNAVAILABLE", message: "Retry in a moment." }
        : undefined,
  });
  addRoute(created, "/", { GET: () => answerJson({ at: "root" }) });
  addRoute(created, "/usage/:id", { GET: (c) => answerJson({ at: c.req.param("id") }) });
  addRoute(created, "/estimate", { POST: () => answerJson({ at: "estimate" }) });
  addRoute(created, "/bug", {
    GET: () => {
      throw new Error("postgres://user:hunter2@db/x");
    },
  });
  addRoute(created, "/outage", {
    GET: () => {
      throw new RangeError("down");
    },
  });
  return async (path: string, init?: RequestInit) =>
    await created.fetch(new Request(`http://edge.test${path}`, init));
}

Deno.test("a route is found with the slug, with /functions/v1 before it, and with a slash after", async () => {
  for (
    const path of ["/balance", "/balance/", "/functions/v1/balance", "/functions/v1/balance/", "/"]
  ) {
    assertEquals(await (await app()(path)).json(), { at: "root" }, path);
  }
  assertEquals(await (await app()("/balance/usage/a%2Fb")).json(), { at: "a/b" });
});

Deno.test("a slug that only begins alike is no match", async () => {
  assertEquals((await app()("/balances")).status, 404);
});

Deno.test("an unknown route is 404 and a wrong method 405 with allow, in both error shapes", async () => {
  const unknown = await app()("/balance/nothing");
  assertEquals(unknown.status, 404);
  const body = await unknown.json();
  assertEquals([body.code, body.error.code], ["NOT_FOUND", "NOT_FOUND"]);

  const put = await app()("/balance/usage/1", { method: "PUT" });
  assertEquals([put.status, put.headers.get("allow")], [405, "GET, HEAD"]);
  assertEquals((await put.json()).code, "METHOD_NOT_ALLOWED");
  const get = await app()("/balance/estimate");
  assertEquals([get.status, get.headers.get("allow")], [405, "POST"]);
  await get.body?.cancel();
});

Deno.test("a refusal that did not need the body is sent after the body was read", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const created = createApp({ slug: "balance", refusalFromError: () => undefined });
    return created.fetch(request);
  });
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/balance/nothing`, {
    method: "POST",
    body: new Uint8Array(8 * 1024 * 1024),
  });
  assertEquals([response.status, (await response.json()).code], [404, "NOT_FOUND"]);
  await server.shutdown();
});

Deno.test("HEAD answers as GET does, without a body", async () => {
  const response = await app()("/balance", { method: "HEAD" });
  assertEquals([response.status, await response.text()], [200, ""]);
});

Deno.test("a bug is a 500 and an outage a 503; neither tells its cause", async () => {
  const bug = await app()("/balance/bug");
  assertEquals(bug.status, 500);
  const text = await bug.text();
  assertEquals([text.includes("hunter2"), JSON.parse(text).code], [false, "INTERNAL_ERROR"]);
  const outage = await app()("/balance/outage");
  assertEquals(outage.status, 503);
  assertEquals((await outage.json()).code, "LEDGER_UNAVAILABLE");
});

Deno.test("every answer has a request id of its own, errors included", async () => {
  const ids = new Set<string>();
  for (const path of ["/balance", "/balance/nothing", "/balance/bug", "/balance/outage"]) {
    const response = await app()(path);
    await response.body?.cancel();
    const id = response.headers.get("x-request-id") ?? "";
    assertMatch(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    ids.add(id);
  }
  assertEquals(ids.size, 4);
});

Deno.test("a browser may read every answer, refusals too, and see the headers that matter", async () => {
  for (const path of ["/balance", "/balance/nothing", "/balance/bug"]) {
    const response = await app(["*"])(path, { headers: { origin: "https://app.example" } });
    await response.body?.cancel();
    assertEquals(response.headers.get("access-control-allow-origin"), "*", path);
    assertMatch(response.headers.get("access-control-expose-headers") ?? "", /x-request-id/);
    assertMatch(response.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
  }
});

Deno.test("a preflight is answered for the allowed origins, with whatever headers an SDK sends", async () => {
  const preflight = (origin: string) =>
    app(["https://app.example"])("/balance/estimate", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-stainless-os,authorization",
      },
    });
  const allowed = await preflight("https://app.example");
  assertEquals(allowed.status, 204);
  assertEquals(allowed.headers.get("access-control-allow-origin"), "https://app.example");
  assertEquals(allowed.headers.get("access-control-allow-credentials"), "true");
  assertEquals(
    allowed.headers.get("access-control-allow-headers"),
    "x-stainless-os,authorization",
  );
  const foreign = await preflight("https://evil.example");
  assertEquals(foreign.headers.get("access-control-allow-origin"), null);
});

Deno.test("the allowed origins are those of the moment: a change counts for preflights and for answers", async () => {
  let allowed = ["https://old.example"];
  const changing = createApp({
    slug: "balance",
    readOrigins: () => Promise.resolve(allowed),
    refusalFromError: () => undefined,
  });
  addRoute(changing, "/", { GET: () => answerJson({}) });
  const allowedFor = async (method: string) => {
    const response = await changing.fetch(
      new Request("http://edge.test/balance", {
        method,
        headers: { origin: "https://new.example", "access-control-request-method": "GET" },
      }),
    );
    await response.body?.cancel();
    return response.headers.get("access-control-allow-origin");
  };
  assertEquals([await allowedFor("OPTIONS"), await allowedFor("GET")], [null, null]);
  allowed = ["https://new.example"];
  const now = ["https://new.example", "https://new.example"];
  assertEquals([await allowedFor("OPTIONS"), await allowedFor("GET")], now);
});

Deno.test("a request does not wait for the origins before it is handled, only its answer does", async () => {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  let isHandled = false;
  const created = createApp({
    slug: "balance",
    readOrigins: () => promise,
    refusalFromError: () => undefined,
  });
  addRoute(created, "/", {
    GET: () => {
      isHandled = true;
      resolve(["*"]);
      return answerJson({});
    },
  });
  const response = await created.fetch(new Request("http://edge.test/balance"));
  await response.body?.cancel();
  assertEquals([isHandled, response.headers.get("access-control-allow-origin")], [true, "*"]);
});

Deno.test("request ids sort by the time they were minted", () => {
  const early = newRequestId(Date.parse("2026-11-22T12:00:00.000Z"));
  const late = newRequestId(Date.parse("2026-11-22T12:00:00.001Z"));
  assertEquals([early < late, early.slice(0, 13)], [true, "01a20320-a200"]);
});
