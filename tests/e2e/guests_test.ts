/** Guests: three answered exchanges in 24 hours, held by a token and by an address. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { readClaims, signToken } from "./access_tokens.ts";
import { insideOf, ordering, post, QUESTION, settled, whatWasAsked } from "./clients_harness.ts";
import { changingNothing, readRefusal } from "./refusals.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());
const { publishableKey } = stack.details;
const inside = await insideOf(stack);

let lastAddress = 0;
/** An address that nobody here has used. */
const newAddress = () => `203.0.113.${++lastAddress}`;

/**
 * A guest from an address of their own. The gateway tells the functions its peer's address, which
 * is the same for all of us: so this asks the functions behind it.
 */
function guestAt(address: string, more: Record<string, string> = {}) {
  return (body: unknown = ordering({ output_tokens: 1 }), moreNow: Record<string, string> = {}) =>
    post(inside, {
      headers: { apikey: publishableKey, "x-forwarded-for": address, ...more, ...moreNow },
    }, body);
}

async function answered(response: Response): Promise<Response> {
  const text = await response.text();
  assertEquals(response.status, 200, text);
  await settled(stack);
  return response;
}

async function assertRefused(response: Response) {
  const told = await readRefusal(stack, response, 429, "FREE_LIMIT_REACHED");
  assertEquals(told.response.headers.get("x-free-limit"), "reached");
  assertEquals(told.response.headers.get("x-should-retry"), "false");
  assert(Number(told.response.headers.get("retry-after")) >= 1);
  assertMatch(told.message, /Sign up/);
  return JSON.parse(told.text);
}

Deno.test("a guest has three exchanges, with a token and a cookie to keep; the fourth is 429 and says until when", async () => {
  const guest = { headers: { apikey: publishableKey } };
  const first = await answered(await post(stack, guest, QUESTION));
  const token = first.headers.get("x-guest-token")!;
  assertMatch(token, /^v1\.[\w-]{22}\.\d+\.[\w-]{43}$/);
  const cookie = first.headers.get("set-cookie")!;
  assertMatch(cookie, new RegExp(`^farebox_guest=${token.replaceAll(".", "\\.")}; `));
  assertMatch(cookie, /HttpOnly; SameSite=Lax/);
  assertEquals(first.headers.get("x-free-exchanges-left"), "2");
  assertMatch(first.headers.get("access-control-expose-headers")!, /x-free-exchanges-left/);
  assertMatch(first.headers.get("access-control-expose-headers")!, /x-guest-token/);

  const second = await answered(await post(stack, guest, QUESTION, { "x-guest-token": token }));
  assertEquals(second.headers.get("x-guest-token"), token);
  const streamed = { ...ordering({ output_tokens: 5 }), stream: true };
  const cookies = { cookie: `other=1; farebox_guest=${token}` };
  const third = await answered(await post(stack, guest, streamed, cookies));
  assertEquals(third.headers.get("x-guest-token"), token);
  assertEquals(third.headers.get("x-free-exchanges-left"), "0");

  await changingNothing(stack, async () => {
    const refused = await post(stack, guest, QUESTION, { "x-guest-token": token });
    const { limit, window_ends_at } = await assertRefused(refused);
    assertEquals(limit, 3);
    const hours = (Date.parse(window_ends_at) - Date.now()) / 3_600_000;
    assert(hours > 23.9 && hours <= 24, `${hours} h`);
  });
});

Deno.test("without the token, with a forged or another's one, the same address stays refused", async () => {
  const address = newAddress();
  const guest = guestAt(address);
  for (const _ of [1, 2, 3]) await answered(await guest());
  const stranger = await answered(await guestAt(newAddress())());
  const token = stranger.headers.get("x-guest-token")!;
  const forged = token.replace(/^v1\.../, "v1.xx");
  const asUser = "v1.user:00000000-0000-0000-0000-000000000000.1.x";
  for (const tried of [undefined, token, forged, asUser, "x", "v1...", "a".repeat(10_000)]) {
    const headers = tried === undefined ? {} : { "x-guest-token": tried };
    await assertRefused(await guest(QUESTION, headers));
  }
});

Deno.test("with the token, another address does not help either; without it, it is another guest", async () => {
  const first = await answered(await guestAt(newAddress())());
  const token = first.headers.get("x-guest-token")!;
  for (const _ of [2, 3]) await answered(await guestAt(newAddress(), { "x-guest-token": token })());
  await assertRefused(await guestAt(newAddress(), { "x-guest-token": token })());
  for (const left of ["2", "1", "0"]) {
    const response = await answered(await guestAt("198.51.100.7")());
    assertEquals(response.headers.get("x-free-exchanges-left"), left);
  }
});

Deno.test("a client behind the gateway cannot choose its address", async () => {
  const guest = { headers: { apikey: publishableKey } };
  for (const name of ["x-forwarded-for", "x-real-ip", "cf-connecting-ip", "forwarded"]) {
    await assertRefused(await post(stack, guest, QUESTION, { [name]: newAddress() }));
  }
});

Deno.test("only answered exchanges count: what fails or is empty gives its place back", async () => {
  const guest = guestAt(newAddress());
  for (const script of [{ fail: 500 }, { fail: 400 }, { empty: true }, { fail: 429 }]) {
    await (await guest(ordering(script))).body?.cancel();
    await (await guest({ ...ordering(script), stream: true })).text();
  }
  const early = { ...ordering({ output_tokens: 9, drop_after_tokens: 0 }), stream: true };
  await (await guest(early)).text();
  await (await guest({ ...QUESTION, n: 2 })).body?.cancel();
  await (await guest({ ...QUESTION, model: "nope" })).body?.cancel();
  await settled(stack);
  for (const left of ["2", "1", "0"]) {
    assertEquals((await answered(await guest())).headers.get("x-free-exchanges-left"), left);
  }
  await assertRefused(await guest());
});

Deno.test("of twenty guests' requests at once from one address exactly three are answered", async () => {
  const guest = guestAt(newAddress());
  const asked = (await whatWasAsked(stack)).length;
  const body = ordering({ output_tokens: 3, first_token_ms: 100 });
  const responses = await Promise.all(Array.from({ length: 20 }, () => guest(body)));
  const statuses = await Promise.all(responses.map(async (response) => {
    await response.text();
    return response.status;
  }));
  assertEquals(statuses.filter((status) => status === 200).length, 3);
  assertEquals(statuses.filter((status) => status === 429).length, 17);
  assertEquals((await whatWasAsked(stack)).length, asked + 3);
  await settled(stack);
});

Deno.test("24 hours after the first answered exchange there are three again", async () => {
  const address = newAddress();
  const first = await answered(await guestAt(address)());
  const token = first.headers.get("x-guest-token")!;
  const guest = guestAt(address, { "x-guest-token": token });
  for (const _ of [2, 3]) await answered(await guest());
  await assertRefused(await guest());
  const age = (by: string) =>
    stack.sql`
      update billing.guest_exchanges set window_started_at = window_started_at - ${by}::interval
      where window_started_at is not null`;
  await age("23 hours 59 minutes");
  await assertRefused(await guest());
  await age("1 minute");
  for (const left of ["2", "1", "0"]) {
    assertEquals((await answered(await guest())).headers.get("x-free-exchanges-left"), left);
  }
  await assertRefused(await guest());
});

Deno.test("balance says that it is a guest and what is left, without using any of it", async () => {
  const address = newAddress();
  const look = async () => {
    const response = await fetch(`${inside.functionsUrl}/balance`, {
      headers: { apikey: publishableKey, "x-forwarded-for": address },
    });
    assertMatch(response.headers.get("x-guest-token") ?? "", /^v1\./);
    return await response.json();
  };
  const fresh = await look();
  assertEquals(fresh.isGuest, true);
  assertEquals(fresh.balance, 0);
  assertEquals(fresh.exchanges, { limit: 3, left: 3, window_ends_at: null });
  await answered(await guestAt(address)());
  const { exchanges } = await look();
  assertEquals(exchanges.left, 2);
  assert(Date.parse(exchanges.window_ends_at) > Date.now());
  const usage = await fetch(`${inside.functionsUrl}/balance/usage`, {
    headers: { apikey: publishableKey },
  });
  await readRefusal(stack, usage, 403, "FORBIDDEN");
});

Deno.test("an anonymous session is a guest too, held by its user id in place of a token", async () => {
  const person = await stack.signUp();
  const claims = readClaims(person.token);
  const token = await signToken(inside.jwtSecret, { ...claims, is_anonymous: true });
  const anonymous = (address: string) =>
    post(inside, {
      headers: { authorization: `Bearer ${token}`, "x-forwarded-for": address },
    }, ordering({ output_tokens: 1 }));
  for (const left of ["2", "1", "0"]) {
    const response = await answered(await anonymous(newAddress()));
    assertEquals(response.headers.get("x-free-exchanges-left"), left);
    assertEquals(response.headers.get("x-guest-token"), null, "the session is the token");
  }
  await assertRefused(await anonymous(newAddress()));
});

Deno.test("a guest's exchange is recorded with its cost, borne by the house", async () => {
  const response = await answered(await guestAt(newAddress())(ordering({ prompt_tokens: 100 })));
  const requestId = response.headers.get("x-request-id")!;
  const [charge] = await until("the guest's usage", () =>
    stack.sql`
      select user_id, cost > 0 as costs, collected::text, uncollected = cost as house, balance_after
      from public.usage_records where request_id = ${requestId}`);
  assertEquals({ ...charge }, {
    user_id: null,
    costs: true,
    collected: "0.0000000000",
    house: true,
    balance_after: null,
  });
  assertEquals(response.headers.get("x-balance"), null, "a guest has no balance");
});

Deno.test("a guest's answer is limited, and says by what", async () => {
  const [settings] = await stack.sql`
    update billing.settings set guest_output_tokens_max = 10
    returning (select guest_output_tokens_max from billing.settings) as before`;
  const response = await guestAt(newAddress())(ordering({ output_tokens: 50 }));
  const { usage } = await response.json();
  assertEquals(usage.completion_tokens, 10);
  assertEquals(response.headers.get("x-output-limited-by"), "guest");
  await stack.sql`update billing.settings set guest_output_tokens_max = ${settings!.before}`;
});
