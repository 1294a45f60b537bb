/**
 * Between a hostile client and a hostile provider: what headers pass in either direction, who is
 * asked at all, and that none of the marked secrets of this stack comes out of it anywhere.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { insideOf, post, QUESTION, settled } from "../e2e/clients_harness.ts";
import { changingNothing, readRefusal } from "../e2e/refusals.ts";
import { startTestStack } from "../support/stack.ts";
import { BAD_HEADERS, startHostileProvider } from "./hostile_provider.ts";
import { sendRaw } from "./raw_http.ts";

/** Of no form that a filter knows: only not telling it at all keeps them. */
const marked = (name: string) => `marked.${name}.${crypto.randomUUID()}`;
const SECRETS = {
  OPENAI_API_KEY: marked("openai"),
  ANTHROPIC_API_KEY: marked("anthropic"),
  GUEST_TOKEN_SECRET: marked("guest"),
  ADDRESS_HASH_SALT: marked("salt"),
  DATABASE_WEBHOOK_SECRET: marked("webhook"),
};
const ALERT_SECRET = btoa(marked("alert"));

const provider = startHostileProvider();
/** Stands for the metadata service of a cloud, or whatever else lies behind the firewall. */
const trap = startHostileProvider();
const stack = await startTestStack({
  env: {
    ...SECRETS,
    OPENAI_BASE_URL: `${provider.url}/v1`,
    ANTHROPIC_BASE_URL: "http://127.0.0.1:9/v1",
    ALERT_WEBHOOK_URL: "http://127.0.0.1:9/",
    ALERT_WEBHOOK_SECRET: `whsec_${ALERT_SECRET}`,
    UPSTREAM_RETRIES: "0",
  },
});
Deno.test.afterAll(async () => {
  await stack.stop();
  await Promise.all([provider.stop(), trap.stop()]);
});
const inside = await insideOf(stack);
const user = await stack.signUp();
const { publishableKey, secretKey } = stack.details;

/** All that anybody was told here, to look through at the end. */
const told: string[] = [];
const keep = async (response: Response) => {
  const copy = response.clone();
  told.push(JSON.stringify([...copy.headers]) + await copy.text().catch(() => ""));
  return response;
};
const ask = async (content: string, more: Record<string, unknown> = {}, headers = {}) =>
  await keep(
    await post(
      stack,
      user,
      { ...QUESTION, messages: [{ role: "user", content }], ...more },
      headers,
    ),
  );

/** What a request to the provider may say, and nothing else. */
const UPSTREAM_HEADERS = [
  ...["accept", "accept-encoding", "accept-language", "authorization", "content-length"],
  ...["content-type", "host", "user-agent", "x-client-request-id"],
];

const FORGED = {
  "connection": "x-evil, close",
  "keep-alive": "timeout=9999",
  "proxy-authorization": "Basic eDp4",
  "te": "trailers",
  "trailer": "x-evil",
  "upgrade": "h2c",
  "http2-settings": "AAMAAABkAAQAAP__",
  "x-evil": "1",
  "cookie": "session=1",
  "forwarded": "for=10.0.0.1;host=evil.example",
  "x-forwarded-host": "evil.example",
  "x-forwarded-for": "10.0.0.1",
  "x-original-url": "/admin",
  "x-http-method-override": "DELETE",
  "openai-organization": "org-evil",
  "openai-project": "proj_evil",
  "openai-beta": "evil",
  "anthropic-beta": "context-1m-2025-08-07",
  "x-api-base": "http://evil.example",
  "x-base-url": "http://evil.example",
  "range": "bytes=0-1",
  "accept-encoding": "gzip, br",
  "accept-language": "evil",
  "user-agent": "evil",
  "x-client-request-id": "evil",
  "x-user-id": crypto.randomUUID(),
  "x-stainless-retry-count": "9",
};

function rawPost(path: string, host: string, headers: Record<string, string>, body: string) {
  const all = { host, authorization: `Bearer ${user.token}`, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `POST ${path} HTTP/1.1\r\n${lines}content-length: ${body.length}\r\n\r\n${body}`;
}

Deno.test("no header of a client reaches the provider, hop-by-hop ones and ours included", async () => {
  for (const url of [stack.url, inside.functionsUrl]) {
    const path = `${url === stack.url ? "/functions/v1" : ""}/chat-proxy`;
    const before = provider.seen.length;
    const answer = await sendRaw(
      url,
      rawPost(path, new URL(url).host, FORGED, JSON.stringify(QUESTION)),
    );
    assertMatch(answer, /^HTTP\/1\.1 200 /);
    assertEquals(provider.seen.length, before + 1);
    const { headers } = provider.seen.at(-1)!;
    const names = [...headers.keys()].filter((name) => !UPSTREAM_HEADERS.includes(name));
    assertEquals(names, []);
    const values = [...headers.values()].join(" ");
    assert(!/evil|gzip|10\.0\.0\.1|session|DELETE/.test(values), values);
    assertEquals(headers.get("authorization"), `Bearer ${SECRETS.OPENAI_API_KEY}`);
  }
});

Deno.test("a line break in a header is refused by the server, and makes no second header", async () => {
  const before = provider.seen.length;
  const { host } = new URL(inside.functionsUrl);
  for (const value of ["a\rx-evil: 1", "a\0b", "a\n b\n"]) {
    const body = JSON.stringify(QUESTION);
    const headers = { "idempotency-key": value, connection: "close" };
    const answer = await sendRaw(
      inside.functionsUrl,
      rawPost("/chat-proxy", host, headers, body),
    );
    assertMatch(answer, /^(HTTP\/1\.1 400 |$)/);
  }
  assertEquals(provider.seen.length, before);
});

Deno.test("a request hidden in another's body by two lengths is never answered as one", async () => {
  const { host } = new URL(inside.functionsUrl);
  const body = JSON.stringify(QUESTION);
  const hidden = rawPost("/chat-proxy", host, { connection: "close" }, body);
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const request = (lengths: string, sent: string) =>
    `POST /chat-proxy HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${user.token}\r\n` +
    `${lengths}connection: close\r\n\r\n${sent}`;
  for (
    const smuggled of [
      request(`content-length: ${chunk.length}\r\ntransfer-encoding: chunked\r\n`, chunk + hidden),
      request(`content-length: 4\r\ntransfer-encoding: chunked\r\n`, chunk + hidden),
      request(`transfer-encoding: chunked, identity\r\n`, chunk + hidden),
      request(`transfer-encoding: xchunked\r\n`, chunk + hidden),
      request(`content-length: ${body.length}\r\ncontent-length: 0\r\n`, body + hidden),
      request(`content-length: +${body.length}\r\n`, body + hidden),
    ]
  ) {
    const before = provider.seen.length;
    const answer = await sendRaw(inside.functionsUrl, smuggled);
    assert(answer.split("HTTP/1.1 ").length <= 2, answer);
    assert(provider.seen.length <= before + 1);
  }
  await settled(stack);
});

Deno.test("no header of the provider reaches the client but its limits, and none of ours can be forged", async () => {
  for (const stream of [false, true]) {
    const response = await ask("[[headers]]", { stream });
    assertEquals(response.status, 200);
    await response.text();
    const { headers } = response;
    for (const [name, value] of Object.entries(BAD_HEADERS)) {
      assert(headers.get(name) !== value, `${name}: ${value}`);
    }
    if (!stream) assert(Number(headers.get("x-cost")) > 0);
  }
  await settled(stack);
});

Deno.test("a client cannot say where the request goes, by field, header or request line", async () => {
  const { host } = new URL(inside.functionsUrl);
  const before = provider.seen.length;
  const fields = {
    base_url: trap.url,
    api_base: trap.url,
    endpoint: trap.url,
    url: trap.url,
    proxy: trap.url,
    user: trap.url,
  };
  const headers = { "x-base-url": trap.url, "x-forwarded-host": new URL(trap.url).host };
  await (await ask("Hello", fields, headers)).text();
  const line = `${trap.url}/chat-proxy`;
  const body = JSON.stringify(QUESTION);
  for (const [path, as] of [[line, host], ["/chat-proxy", new URL(trap.url).host]] as const) {
    await sendRaw(inside.functionsUrl, rawPost(path, as, { connection: "close" }, body));
  }
  await settled(stack);
  assert(provider.seen.length > before);
  assertEquals(trap.seen.length, 0);
});

Deno.test("a redirect of the provider is not followed, wherever it leads", async () => {
  for (const to of [trap.url, "file:///etc/passwd", "http://169.254.169.254/latest", "//x"]) {
    const response = await ask(`[[redirect ${to}]]`);
    await readRefusal(stack, response, 502, "UPSTREAM_ERROR");
  }
  assertEquals(trap.seen.length, 0);
});

Deno.test("addresses of pictures are not opened here: the provider gets them as they are", async () => {
  for (
    const url of [
      "file:///etc/passwd",
      "http://169.254.169.254/latest/meta-data/",
      `${trap.url}/picture.png`,
      "gopher://127.0.0.1:25/x",
      "data:image/svg+xml,<svg onload='x'/>",
    ]
  ) {
    const before = provider.seen.length;
    const content = [{ type: "text", text: "What is it?" }, {
      type: "image_url",
      image_url: { url },
    }];
    const messages = [{ role: "user", content }];
    const response = await keep(await post(stack, user, { ...QUESTION, messages }));
    assertEquals(response.status, 200, await response.text());
    assertEquals(provider.seen.length, before + 1);
    assertEquals(JSON.parse(provider.seen.at(-1)!.body).messages, messages);
  }
  assertEquals(trap.seen.length, 0);
  await settled(stack);
});

Deno.test("numbers that JSON can write and no limit can be are refused, and change nothing", async () => {
  const values = ["1e400", "-1e400", "1e-400", "-0", "1e21", "9007199254740993", "0.1e1e", "01"];
  await changingNothing(stack, async () => {
    const before = provider.seen.length;
    for (const name of ["max_tokens", "max_completion_tokens", "n", "best_of", "top_logprobs"]) {
      for (const value of values) {
        if (name === "top_logprobs" && !/^01|1e$/.test(value)) continue;
        const body = `{"model":"openai:gpt-4o","messages":[{"role":"user","content":"x"}],` +
          `"${name}":${value}}`;
        const response = await keep(await post(stack, user, body));
        assertEquals(response.status, 400, `${name} ${value}: ${await response.text()}`);
      }
    }
    assertEquals(provider.seen.length, before);
  });
});

Deno.test("a prototype in a body is a name like any other: it hides no limit and adds none", async () => {
  const body =
    `{"model":"openai:gpt-4o","messages":[{"role":"user","content":"x"}],"max_tokens":3,` +
    `"__proto__":{"n":9,"max_tokens":100000,"stream":true},"constructor":{"prototype":{"n":9}}}`;
  const response = await keep(await post(stack, user, body));
  assertEquals(response.status, 200, await response.text());
  const sent = JSON.parse(provider.seen.at(-1)!.body);
  assertEquals(sent.max_completion_tokens ?? sent.max_tokens, 3);
  assertEquals([sent.n, sent.stream], [undefined, undefined]);
  assertEquals(({} as Record<string, unknown>)["n"], undefined);
  await settled(stack);
});

Deno.test("none of the secrets comes out in an answer, the log, an incident, the health or the metrics", async () => {
  for (const status of [301, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503]) {
    for (const stream of [false, true]) await (await ask(`[[echo ${status}]]`, { stream })).text();
  }
  for (const stream of [false, true]) await (await ask("[[garbage]]", { stream })).text();
  await (await ask("Hello", { model: "anthropic:claude-sonnet-4-5" })).text();
  const as = (key: string) => ({ headers: { authorization: `Bearer ${key}`, apikey: key } });
  const read = async (path: string, init: RequestInit) =>
    await (await keep(await fetch(stack.functionsUrl + path, init))).text();
  await read("/pricing-health/alerts", { method: "POST", ...as(secretKey) });
  await read("/init-balance", { method: "POST", body: "{}" });
  await stack.postgres("stop");
  await (await ask("Hello")).text();
  await read("/balance", as(user.token));
  await stack.postgres("start");
  for (const path of ["", "/details", "/metrics"]) {
    for (const key of [secretKey, publishableKey, user.token]) {
      await read(`/pricing-health${path}`, as(key));
    }
  }
  const incidents = await stack.sql`select * from billing.incidents`;
  assert(incidents.length > 0, "a refused key is an incident");
  const log = (await stack.log()).join("\n");
  assertMatch(log, /A provider failed|UPSTREAM_ERROR|Usage recorded/);
  const everything = { told: told.join("\n"), incidents: JSON.stringify(incidents), log };
  const secrets = {
    ...SECRETS,
    ALERT_SECRET,
    jwtSecret: inside.jwtSecret,
    secretKey,
    hookSecret: stack.hookSecret.replace(/^v1,whsec_/, ""),
    dbUrl: stack.details.dbUrl,
    token: user.token,
    email: user.email,
  };
  for (const [name, secret] of Object.entries(secrets)) {
    for (const [where, text] of Object.entries(everything)) {
      const at = text.indexOf(secret);
      assert(at === -1, `${name} in ${where}: ${text.slice(Math.max(0, at - 300), at + 20)}`);
    }
  }
});
