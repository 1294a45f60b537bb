/** A project that gives nothing away. */
import { assertEquals, assertMatch } from "@std/assert";
import { startTestStack } from "../support/stack.ts";
import { post, QUESTION } from "./clients_harness.ts";
import { changingNothing, readRefusal } from "./refusals.ts";

const stack = await startTestStack({ env: { FREE_GUEST_EXCHANGES: "0" } });
Deno.test.afterAll(() => stack.stop());

Deno.test("with FREE_GUEST_EXCHANGES=0 the first question of a guest is refused, in words that fit", async () => {
  const guest = { headers: { apikey: stack.details.publishableKey } };
  await changingNothing(stack, async () => {
    const refused = await post(stack, guest, QUESTION);
    const told = await readRefusal(stack, refused, 429, "FREE_LIMIT_REACHED");
    assertEquals(JSON.parse(told.text).limit, 0);
    assertEquals(told.response.headers.get("x-free-limit"), "reached");
    assertMatch(told.message, /^There are no free exchanges here\. Sign up/);
    const balance = await fetch(`${stack.functionsUrl}/balance`, guest);
    const { exchanges } = await balance.json();
    assertEquals(exchanges, { limit: 0, left: 0, window_ends_at: null });
  });
});
