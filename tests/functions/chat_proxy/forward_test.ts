import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PROVIDERS } from "../../../shared/llm/providers.ts";
import { forward, type Forwarded } from "../../../supabase/functions/chat-proxy/forward.ts";

const KEY = "sk-proj-abcdefghijklmnop0123456789";
const provider = PROVIDERS.get("openai")!;
const endpoint = provider.endpoints["openai-chat"]!;

type Answer = (request: Request) => Response | Promise<Response>;

/** A provider on a port of its own, for as long as `test` runs. */
async function withServer<T>(answer: Answer, test: (url: string) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen: () => {},
    onError: () => new Response(null, { status: 599 }),
  }, async (request) => {
    await request.body?.cancel();
    return await answer(request);
  });
  try {
    return await test(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    stop.abort();
    await server.finished;
  }
}

/** Forwards one request to a provider that answers with `answer`. */
function forwarded(answer: Answer, timeoutMs = 10_000): Promise<Forwarded> {
  return withServer(answer, (url) => forwardTo(url, timeoutMs));
}

function forwardTo(
  baseUrl: string,
  timeoutMs = 10_000,
  fetchOf: typeof fetch = fetch,
): Promise<Forwarded> {
  return forward({
    provider,
    endpoint,
    settings: { key: KEY, baseUrl },
    upstream: { body: { model: "gpt-4o" }, withholdUsage: false, pathSuffix: "" },
    clientHeaders: {},
    stream: false,
    requestId: "r",
    timeoutMs,
    fetch: fetchOf,
    abort: new AbortController(),
  });
}

/** What was refused; fails for an answer and for the provider's own words. */
function refusalOf(forwarded: Forwarded) {
  if (forwarded.kind !== "failed") throw new Error(`not failed but ${forwarded.kind}`);
  return { ...forwarded.refusal, incident: forwarded.incident };
}

/** What was passed on as the caller's own mistake. */
function rejectionOf(forwarded: Forwarded): Response {
  if (forwarded.kind !== "rejected") throw new Error(`not rejected but ${forwarded.kind}`);
  return forwarded.response;
}

const errorOf = (message: string, code: string | null = null) =>
  JSON.stringify({ error: { message, type: "invalid_request_error", code } });

Deno.test("the provider gets the key where it takes it, our request id, and no word of compression", async () => {
  let seen = new Headers();
  const result = await forwarded((request) => {
    seen = request.headers;
    return Response.json({ ok: true });
  });
  assertEquals(result.kind, "answer");
  if (result.kind === "answer") await result.body.cancel();
  assertEquals(seen.get("authorization"), `Bearer ${KEY}`);
  assertEquals(seen.get("x-client-request-id"), "r");
  assertEquals(seen.get("accept-encoding"), "identity");
});

Deno.test("the caller's own mistake comes in the provider's words and status", async () => {
  for (const status of [400, 404, 413, 422]) {
    const body = errorOf("'messages' must contain the word 'json'.");
    const result = await forwarded(() =>
      new Response(body, { status, headers: { "set-cookie": "a=b", server: "x" } })
    );
    const response = rejectionOf(result);
    assertEquals([response.status, await response.text()], [status, body]);
    assertEquals([...response.headers.keys()], ["content-type"]);
  }
});

Deno.test("the provider's limits are passed on with whatever it answers, and no other header", async () => {
  const limits = {
    "x-ratelimit-remaining-tokens": "1499",
    "x-ratelimit-reset-tokens": "120ms",
    "anthropic-ratelimit-requests-reset": "2026-11-22T12:00:00Z",
    "retry-after-ms": "1500",
  };
  const others = { "set-cookie": "a=b", "openai-organization": "acme", "x-ratelimit-note": "<b>" };
  const headers = { ...limits, ...others };
  const rejected = rejectionOf(await forwarded(() => Response.json({}, { status: 400, headers })));
  const failed = await forwarded(() => Response.json({}, { status: 503, headers }));
  if (failed.kind !== "failed") throw new Error(failed.kind);
  for (const told of [rejected.headers, failed.headers]) {
    const { "content-type": _, ...seen } = Object.fromEntries(told);
    assertEquals(seen, limits);
  }
});

Deno.test("what may pass is to be tried again, what concerns our account or the model to fall back, the rest to stop", async () => {
  const nextAfter = async (status: number, headers: HeadersInit = {}) => {
    const result = await forwarded(() => new Response(errorOf("no"), { status, headers }));
    if (result.kind === "answer") throw new Error("answered");
    return result.next;
  };
  for (const status of [408, 409, 429, 500, 502, 503, 504, 529]) {
    assertEquals(await nextAfter(status), { kind: "retry", afterMs: null }, `${status}`);
  }
  for (const status of [401, 402, 403, 404]) {
    assertEquals(await nextAfter(status), { kind: "fall_back" }, `${status}`);
  }
  for (const status of [400, 405, 413, 415, 422]) {
    assertEquals(await nextAfter(status), { kind: "stop" }, `${status}`);
  }
  assertEquals(await nextAfter(429, { "retry-after": "2" }), { kind: "retry", afterMs: 2000 });
  const exact = { "retry-after-ms": "350", "retry-after": "1" };
  assertEquals(await nextAfter(429, exact), { kind: "retry", afterMs: 350 });
  assertEquals(await nextAfter(500, { "x-should-retry": "false" }), { kind: "fall_back" });
  const quota = errorOf("You exceeded your current quota.", "insufficient_quota");
  const outOfQuota = await forwarded(() => new Response(quota, { status: 429 }));
  assertEquals(outOfQuota.kind === "failed" && outOfQuota.next, { kind: "fall_back" });
});

Deno.test("no error in the provider's words shows the key, a part of it, or the account", async () => {
  const secrets = [KEY, "sk-proj-abc***6789", "org-AbCdEf123456", "proj_AbCdEf123456"];
  for (const secret of [...secrets, "user-AbCdEf123456", "acct_AbCdEf123456"]) {
    const result = await forwarded(() =>
      new Response(errorOf(`Not for ${secret} in this region.`), { status: 400 })
    );
    assertEquals(await rejectionOf(result).text(), errorOf("Not for [redacted] in this region."));
  }
});

Deno.test("words that only begin as an id does are left in the provider's words", async () => {
  const error = errorOf("Tools need user_profile_id, org_member_name and sk-learn-models.");
  const result = await forwarded(() => new Response(error, { status: 400 }));
  assertEquals(await rejectionOf(result).text(), error);
});

Deno.test("a key of no known form is not shown either", async () => {
  const key = "an odd/key+of=another.form";
  const result = await withServer(
    () => new Response(errorOf(`Incorrect API key: ${key}`), { status: 400 }),
    (baseUrl) =>
      forward({
        provider,
        endpoint,
        settings: { key, baseUrl },
        upstream: { body: {}, withholdUsage: false, pathSuffix: "" },
        clientHeaders: {},
        stream: false,
        requestId: "r",
        timeoutMs: 10_000,
        fetch,
        abort: new AbortController(),
      }),
  );
  assertEquals(await rejectionOf(result).text(), errorOf("Incorrect API key: [redacted]"));
});

Deno.test("what the provider holds against our account is an incident, and not the caller's to read", async () => {
  for (
    const [status, code] of [
      [401, "invalid_api_key"],
      [402, "payment_required"],
      [403, "country_not_supported"],
      [429, "insufficient_quota"],
    ] as const
  ) {
    const refusal = refusalOf(
      await forwarded(() =>
        new Response(errorOf(`SECRET of ${KEY} at org-AbCdEf123456`, code), { status })
      ),
    );
    assertEquals(
      [refusal.code, refusal.incident],
      ["UPSTREAM_ERROR", "provider_refused_credentials"],
      `${status}`,
    );
    const told = JSON.stringify(refusal);
    for (const secret of ["SECRET", KEY, "org-", code]) assert(!told.includes(secret), told);
  }
});

Deno.test("trouble with our account that comes as a 400 is not the caller's either, and another model may help", async () => {
  const anthropic = (message: string) => ({
    type: "error",
    error: { type: "invalid_request_error", message },
  });
  const bodies = [
    // As these came, with a pair of characters of the key or none.
    { code: "Client specified an invalid argument", error: "Incorrect API key provided: xa***gh." },
    { error: { code: 400, message: "API key not valid. Please pass a valid API key." } },
    [{ error: { code: 400, message: "API Key not found. Please pass a valid API key." } }],
    anthropic("Your credit balance is too low to access the Anthropic API. Please go to Plans."),
    anthropic("You have reached your specified API usage limits. You will regain access on 2026."),
  ];
  for (const body of bodies) {
    const result = await forwarded(() => Response.json(body, { status: 400 }));
    const { code, message, incident } = refusalOf(result);
    assertEquals([code, incident], ["UPSTREAM_ERROR", "provider_refused_credentials"]);
    assert(!/key|credit|limits/i.test(message), message);
    assertEquals(result.kind !== "answer" && result.next.kind, "fall_back");
  }
  // What a caller wrote, and the provider repeats, is the caller's own.
  for (
    const repeated of [
      anthropic('role: "message":"Incorrect API key" is not valid'),
      anthropic("API key not valid is not a supported value for 'reasoning_effort'"),
      { error: { message: "x", metadata: { error: "API key not valid." } } },
      { detail: [{ input: { message: "API key not valid." } }] },
    ]
  ) {
    const result = await forwarded(() => Response.json(repeated, { status: 400 }));
    assertEquals(result.kind, "rejected", JSON.stringify(repeated));
  }
});

Deno.test("a prompt that a provider's moderation refuses is its sender's: no incident, and no other model", async () => {
  const flagged = {
    error: { code: 403, message: "Your input was flagged", metadata: { reasons: ["violence"] } },
  };
  const result = await forwarded(() => Response.json(flagged, { status: 403 }));
  assertEquals([result.kind, result.kind === "rejected" && result.next.kind], ["rejected", "stop"]);
});

Deno.test("a failure of the provider says its status and nothing of its body", async () => {
  for (const status of [500, 502, 503, 529]) {
    const refusal = refusalOf(await forwarded(() => new Response("SECRET stack", { status })));
    assertEquals([refusal.code, refusal.incident], ["UPSTREAM_ERROR", null]);
    assertStringIncludes(refusal.message, `${status}`);
    assert(!JSON.stringify(refusal).includes("SECRET"));
  }
  // Neither is a page of some proxy between, though its status says that the caller is wrong.
  const page = refusalOf(await forwarded(() => new Response("<html>SECRET", { status: 400 })));
  assertEquals(page.code, "UPSTREAM_ERROR");
  assert(!JSON.stringify(page).includes("SECRET"));
});

Deno.test("retry-after is understood in seconds, in parts of them and as a date, from 1 s to an hour", async () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();
  for (
    const [value, least, most] of [
      ["7", 7, 7],
      ["0.2", 1, 1],
      ["1.5", 2, 2],
      ["0", 1, 1],
      ["999999", 3600, 3600],
      [inSeconds(60), 50, 60],
      [inSeconds(-60), 1, 1],
      [inSeconds(100_000), 3600, 3600],
      ["soon", 5, 5],
      ["-3", 1, 5],
      [null, 5, 5],
    ] as const
  ) {
    const headers = new Headers(value === null ? {} : { "retry-after": value });
    const refusal = refusalOf(
      await forwarded(() => new Response(errorOf("slow down"), { status: 429, headers })),
    );
    if (refusal.code !== "TOO_MANY_REQUESTS") throw new Error(refusal.code);
    const seconds = refusal.retry_after_seconds ?? NaN;
    assert(seconds >= least && seconds <= most, `${value}: ${seconds}`);
    assertStringIncludes(refusal.message, `${seconds} s`);
  }
});

Deno.test("a redirect is not followed: the key stays with the host that it is for", async () => {
  for (const status of [301, 302, 307, 308]) {
    const asked: string[] = [];
    const result = await withServer(
      (request) => {
        asked.push(request.headers.get("authorization") ?? "");
        return Response.json({ stolen: true });
      },
      (elsewhere) =>
        forwarded(() => new Response(null, { status, headers: { location: `${elsewhere}/v1/x` } })),
    );
    assertEquals(refusalOf(result).code, "UPSTREAM_ERROR", `${status}`);
    assertEquals(asked, [], `${status}`);
  }
});

Deno.test("no headers within the time is UPSTREAM_TIMEOUT", async () => {
  const release = Promise.withResolvers<Response>();
  const result = await withServer(() => release.promise, async (url) => {
    const result = await forwardTo(url, 200);
    release.resolve(new Response());
    return result;
  });
  assertEquals(refusalOf(result).code, "UPSTREAM_TIMEOUT");
});

Deno.test("a provider that is not there is UPSTREAM_ERROR, and its address is not told", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const refusal = refusalOf(await forwardTo(url));
  assertEquals(refusal.code, "UPSTREAM_ERROR");
  assert(!refusal.message.includes("127.0.0.1"), refusal.message);
});

Deno.test("an error body without an end is read for 64 kB and left", async () => {
  const left = Promise.withResolvers<void>();
  let sentBytes = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(16 * 1024).fill(65));
      sentBytes += 16 * 1024;
    },
    cancel: () => left.resolve(),
  });
  const result = await withServer(() => new Response(endless, { status: 500 }), async (url) => {
    const result = await forwardTo(url);
    await left.promise;
    return result;
  });
  assertEquals(refusalOf(result).code, "UPSTREAM_ERROR");
  // What fits into the sockets between is sent too, but nothing near what a body can be.
  assert(sentBytes < 32 * 1024 * 1024, `${sentBytes} bytes`);
});

Deno.test("an error body that stops coming is left when the time is up, and its status still counts", async () => {
  const left = Promise.withResolvers<void>();
  const stalled = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"error":')),
    cancel: () => left.resolve(),
  });
  // A fetch that does not hear its signal once the headers are there, as Deno's can be.
  const deaf = () => Promise.resolve(new Response(stalled, { status: 401 }));
  const result = await forwardTo("http://provider.test", 50, deaf);
  await left.promise;
  assertEquals(refusalOf(result).incident, "provider_refused_credentials");
});

Deno.test("a web page with status 200 is no answer: it is left, and the operator's address is to be checked", async () => {
  const left = Promise.withResolvers<void>();
  const page = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("<html>Welcome!")),
    cancel: () => left.resolve(),
  });
  await withServer(
    () => new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } }),
    async (url) => {
      const refusal = refusalOf(await forwardTo(url));
      assertEquals([refusal.code, refusal.incident], ["UPSTREAM_ERROR", null]);
      assertStringIncludes(refusal.message, "sent a web page. Nothing was charged");
      await left.promise;
    },
  );
});
