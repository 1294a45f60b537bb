/** Requests that are wrong around their body: address, method, size, headers, repeated keys. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { exact } from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { headersOf, insideOf, ordering, post, QUESTION, settled } from "./clients_harness.ts";
import { changingNothing, readRefusal } from "./refusals.ts";

const LIMIT_BYTES = 20_000;
const stack = await startTestStack({ env: { MAX_BODY_BYTES: String(LIMIT_BYTES) } });
Deno.test.afterAll(() => stack.stop());
const user = await stack.signUp();
await post(stack, user, QUESTION).then((response) => response.body?.cancel());
await settled(stack);

const to = (method: string, path: string, body?: string) =>
  fetch(stack.functionsUrl + path, {
    method,
    headers: headersOf(user),
    ...(body === undefined ? {} : { body }),
  });

Deno.test("a wrong method is 405 and says which are allowed", async () => {
  const cases = [
    ["/chat-proxy/v1/chat/completions", ["GET", "PUT", "PATCH", "DELETE"], "POST"],
    ["/chat-proxy", ["GET", "PUT", "DELETE"], "POST"],
    ["/chat-proxy/v1/models", ["POST", "DELETE"], "GET, HEAD"],
    ["/balance", ["POST", "PUT", "DELETE"], "GET, HEAD"],
    ["/balance/usage", ["POST"], "GET, HEAD"],
    ["/balance/estimate", ["GET"], "POST"],
  ] as const;
  await changingNothing(stack, async () => {
    for (const [path, methods, allow] of cases) {
      for (const method of methods) {
        const body = method === "GET" ? undefined : JSON.stringify(QUESTION);
        const refused = await to(method, path, body);
        const { response } = await readRefusal(stack, refused, 405, "METHOD_NOT_ALLOWED");
        assertEquals(response.headers.get("allow"), allow, `${method} ${path}`);
      }
    }
  });
});

Deno.test("an unknown route is 404 NOT_FOUND, whatever the method", async () => {
  await changingNothing(stack, async () => {
    for (
      const path of [
        "/chat-proxy/v1",
        "/chat-proxy/v2/chat/completions",
        "/chat-proxy/v1/chat/completions/x",
        "/chat-proxy/v1/chat%2Fcompletions",
        "/chat-proxy/v1/embeddings",
        "/chat-proxy//v1/chat/completions",
        "/balance/nothing",
        "/balance/usage/chats",
        `/balance/${"x".repeat(5_000)}`,
      ]
    ) {
      const refused = await to("POST", path, JSON.stringify(QUESTION));
      await readRefusal(stack, refused, 404, "NOT_FOUND");
      await readRefusal(stack, await to("GET", path), 404, "NOT_FOUND");
    }
  });
});

Deno.test("trailing slashes and queries change nothing about a route", async () => {
  for (const path of ["/chat-proxy/", "/chat-proxy/v1/chat/completions/?api-version=1"]) {
    const response = await to("POST", path, JSON.stringify(ordering({ output_tokens: 1 })));
    assertEquals(response.status, 200, await response.text());
  }
  const { balance } = await (await to("GET", "/balance/?")).json();
  assert(balance < 10);
});

Deno.test("a body over the configured limit is 413, and one of exactly the limit is answered", async () => {
  const bodyOf = (bytes: number) => {
    const empty = JSON.stringify({ ...QUESTION, user: "" }).length;
    return JSON.stringify({ ...QUESTION, user: "u".repeat(bytes - empty) });
  };
  await changingNothing(stack, async () => {
    for (const bytes of [LIMIT_BYTES + 1, LIMIT_BYTES * 3, LIMIT_BYTES * 500]) {
      const refused = await post(stack, user, bodyOf(bytes));
      const told = await readRefusal(stack, refused, 413, "REQUEST_TOO_LARGE");
      assertEquals(JSON.parse(told.text).size_bytes_max, LIMIT_BYTES);
    }
  });
  const response = await post(stack, user, bodyOf(LIMIT_BYTES));
  assertEquals(response.status, 200, await response.text());
  await settled(stack);
});

Deno.test("a body without content-type, or with another one, is read as JSON all the same", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; x=y"]) {
    const response = await post(stack, user, QUESTION, { "content-type": type });
    assertEquals(response.status, 200, await response.text());
  }
});

Deno.test("a bad x-chat-id is 400, and no header can be smuggled in by it", async () => {
  await changingNothing(stack, async () => {
    for (const chatId of ["c".repeat(129), "a b", "a\tb", "<script>", "ü", "a;b", `"`, "a,b"]) {
      const refused = await post(stack, user, QUESTION, { "x-chat-id": chatId });
      const told = await readRefusal(stack, refused, 400, "INVALID_REQUEST");
      assertEquals(told.param, "x-chat-id");
    }
    for (const chatId of ["a\r\nx-cost: 0", "a\n: farebox {}", "a%0d%0ab c"]) {
      const inBody = await post(stack, user, { ...QUESTION, chat_id: chatId });
      const told = await readRefusal(stack, inBody, 400, "INVALID_REQUEST");
      assertEquals(told.param, "chat_id");
      assertEquals(told.response.headers.get("x-cost"), null);
    }
  });
});

Deno.test("an Idempotency-Key that is too long is 400", async () => {
  await changingNothing(stack, async () => {
    const refused = await post(stack, user, QUESTION, { "idempotency-key": "k".repeat(256) });
    const told = await readRefusal(stack, refused, 400, "INVALID_REQUEST");
    assertEquals(told.param, "idempotency-key");
  });
});

Deno.test("an Idempotency-Key with another body is 422, with the same one 409: while it runs, and after", async () => {
  const key = { "idempotency-key": crypto.randomUUID() };
  const body = { ...ordering({ output_tokens: 5, stall_ms: 600 }), stream: true };
  const running = await post(stack, user, body, key);
  const requestId = running.headers.get("x-request-id");
  const repeat = async (when: string) => {
    const same = await readRefusal(
      stack,
      await post(stack, user, body, key),
      409,
      "DUPLICATE_REQUEST",
    );
    assertEquals(JSON.parse(same.text).duplicate_of, requestId, when);
    const other = await post(stack, user, { ...body, temperature: 1 }, key);
    await readRefusal(stack, other, 422, "IDEMPOTENCY_KEY_REUSED");
    return same.message;
  };
  assertMatch(await repeat("while it runs"), /still running/);
  assert((await running.text()).includes("data: [DONE]"));
  await settled(stack);
  await changingNothing(stack, async () => {
    assertMatch(await repeat("afterwards"), /already been answered/);
  });
});

Deno.test("an Idempotency-Key is its user's own: another user may use the same", async () => {
  const key = { "idempotency-key": "the-same" };
  for (const someone of [user, await stack.signUp()]) {
    const response = await post(stack, someone, QUESTION, key);
    assertEquals(response.status, 200, await response.text());
  }
});

Deno.test("lesson 25: twenty requests at once with one Idempotency-Key are answered and charged once", async () => {
  const someone = await stack.signUp();
  const key = { "idempotency-key": "at-once" };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => post(stack, someone, QUESTION, key)),
  );
  const statuses = await Promise.all(answers.map(async (answer) => {
    await answer.text();
    return answer.status;
  }));
  assertEquals(statuses.filter((status) => status === 200).length, 1);
  assertEquals(statuses.filter((status) => status === 409).length, 19);
  await settled(stack);
  const cost = answers.find((answer) => answer.ok)!.headers.get("x-cost")!;
  const [account] = await stack.sql`
    select balance::text from public.user_balances where user_id = ${someone.id}`;
  assertEquals(exact(account?.balance), exact("10") - exact(cost));
});

Deno.test("balance refuses bad queries and ids with the parameter's name", async () => {
  const cases: [string, string][] = [
    ["/usage?limit=0", "limit"],
    ["/usage?limit=-1", "limit"],
    ["/usage?limit=1e2", "limit"],
    ["/usage?limit=201", "limit"],
    ["/usage?from=yesterday", "from"],
    ["/usage?from=2026-02-02&to=2026-02-01", "from"],
    ["/usage?to=2026-13-01", "to"],
    ["/usage?before=%27;drop", "before"],
    [`/usage?chat_id=${"c".repeat(129)}`, "chat_id"],
    ["/usage/summary?by=user", "by"],
    ["/transactions?limit=x", "limit"],
    ["/receipts/1", "requestId"],
    [`/usage/chats/${"c".repeat(129)}`, "chatId"],
    ["/usage/chats/a%00b", "chatId"],
    ["/usage?chat_id=%00", "chat_id"],
    ["/usage?model=%00", "model"],
  ];
  for (const [path, param] of cases) {
    const refused = await to("GET", `/balance${path}`);
    assertEquals((await readRefusal(stack, refused, 400, "INVALID_REQUEST")).param, param, path);
  }
  const unknown = await to("GET", `/balance/receipts/${crypto.randomUUID()}`);
  await readRefusal(stack, unknown, 404, "REQUEST_NOT_FOUND");
});

Deno.test("a browser's preflight passes, and may send what every SDK sends", async () => {
  for (const path of ["/chat-proxy/v1/chat/completions", "/balance", "/balance/estimate"]) {
    const response = await fetch(stack.functionsUrl + path, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-stainless-os,idempotency-key,x-chat-id",
      },
    });
    await response.body?.cancel();
    assertEquals(response.status, 204);
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
    assertMatch(response.headers.get("access-control-allow-methods") ?? "", /POST/);
    const allowed = response.headers.get("access-control-allow-headers") ?? "";
    for (const name of ["authorization", "x-stainless-os", "idempotency-key", "x-chat-id"]) {
      assert(allowed.includes(name), `${name} in ${allowed}`);
    }
  }
});

Deno.test("a request straight to the functions, past the gateway, is refused in the same way", async () => {
  const { functionsUrl } = await insideOf(stack);
  const refused = await fetch(`${functionsUrl}/chat-proxy/v1/nothing`, { method: "POST" });
  await readRefusal(stack, refused, 404, "NOT_FOUND");
});
