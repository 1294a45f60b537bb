/** What was charged is never paid twice by mistake, and never without a trace. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page, Route } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { setBalance } from "../../support/charges.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answerThatIs,
  assertCharges,
  assertKept,
  assertShown,
  newPerson,
  type Person,
  problem,
  say,
} from "./bad_harness.ts";
import {
  answers,
  asCost,
  ask,
  button,
  composer,
  costUnder,
  dialog,
  isChat,
  ordering,
  questions,
  sendTyped,
  settledCharge,
  signIn,
  untilState,
} from "./page_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const CHAT = "**/chat/completions";
const USAGE = "**/balance/usage?*";
const LONG = { output_tokens: 300, token_ms: 10 };
const LOST = { expectsConsoleErrors: [/net::ERR_|Failed to fetch/], expectsStatus: [409] };

/** A page of somebody new. */
async function enter(page: Page): Promise<Person> {
  const person = await newPerson(stack);
  await signIn(stack, page, person);
  return person;
}

/**
 * Lets the next question through, and keeps its answer from the page: `lose` says how.
 * @returns `answered`: when the whole answer was given.
 */
async function loseAnswer(page: Page, lose: (route: Route) => unknown) {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  await page.route(CHAT, async (route) => {
    await (await route.fetch()).body();
    resolve();
    await lose(route);
  }, { times: 1 });
  return { answered };
}

/** The idempotency keys of the questions that the page puts from now on. */
function keysOf(page: Page): string[] {
  const keys: string[] = [];
  page.on("request", (request) => {
    if (request.method() !== "POST" || !request.url().endsWith("/chat/completions")) return;
    keys.push(request.headers()["idempotency-key"] ?? "none");
  });
  return keys;
}

/** Keeps the list of charges back until the function that is returned is called. */
async function holdCharges(page: Page): Promise<() => Promise<void>> {
  const held: Route[] = [];
  await page.route(USAGE, (route) => void held.push(route));
  return async () => {
    await page.unroute(USAGE);
    await Promise.all(held.map((route) => route.continue().catch(() => {})));
  };
}

/** Asks for a long answer, and waits for some of it. */
async function beginLong(page: Page) {
  const asked = await ask(page, "Tell me a long story", LONG);
  await until("some text", async () => (await asked.answer.innerText()).length > 100);
  return asked;
}

/** The demo provider was hung up on. */
async function untilCancelled(): Promise<void> {
  await until("the provider to be hung up on", async () => {
    const requests: { state: string }[] = await (await fetch(`${stack.demoUrl}/_demo/requests`))
      .json();
    return requests.at(-1)?.state === "cancelled";
  }, 4_000);
}

browserTest(
  "an answer whose response is lost is charged once: Try again sends the same key, and tells what it cost",
  () =>
    withPage(stack, LOST, async (page) => {
      const person = await enter(page);
      const keys = keysOf(page);
      await loseAnswer(page, (route) => route.abort());
      const question = ordering("Is it lost?", { output_tokens: 20 });
      await say(page, question);
      await button(await problem(page, "NETWORK_ERROR"), "Try again").click();

      const alert = await problem(page, "ANSWER_LOST");
      assertMatch(await alert.innerText(), /answered and charged.*lost/);
      const answer = await answerThatIs(page, "cut");
      await assertShown(stack, person, answer);
      await assertCharges(stack, person, 1);
      await button(answer, "Why this price?").click();
      await dialog(page, "Receipt").getByRole("row").nth(1).waitFor();
      await page.keyboard.press("Escape");

      await button(alert, "Try again").click();
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      await assertCharges(stack, person, 2);
      assertMatch(keys[0]!, /^[0-9a-f-]{36}$/);
      assertEquals([keys.length, keys[0] === keys[1], keys[1] === keys[2]], [3, true, false]);
      assertEquals(await questions(page).count(), 1);

      await loseAnswer(page, (route) => route.abort());
      await say(page, "A second one");
      await problem(page, "NETWORK_ERROR");
      await say(page, "A second one, changed");
      await answerThatIs(page, "complete");
      assertEquals(new Set(keys).size, 4, "another text is another request");
    }),
);

browserTest(
  "Stop, then Try again: the first request's late cost is not shown as the new answer's",
  () =>
    withPage(stack, {}, async (page) => {
      await enter(page);
      const release = await holdCharges(page);
      const first = await beginLong(page);
      await button(page, "Stop").click();
      await untilState(first.answer, "stopped");
      const response = page.waitForResponse(isChat);
      await button(first.answer, "Try again").click();
      const second = (await response).headers()["x-request-id"]!;
      await untilState(first.answer, "complete");
      const late = page.waitForResponse(`**/balance/receipts/${first.requestId}`);
      await release();
      await (await late).finished();
      await page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))");
      const { cost } = await settledCharge(stack, second);
      assertEquals(await costUnder(first.answer), asCost(cost));
    }),
);

browserTest(
  "an empty answer that was charged is not said to be free",
  () =>
    withPage(stack, {}, async (page) => {
      await enter(page);
      const usage = { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 };
      for (const order of [{ empty: true, usage }, { reasoning_tokens: 400, output_tokens: 0 }]) {
        await button(page, "New chat").click();
        const { answer, requestId } = await ask(page, "Say nothing", order);
        const words = await (await problem(page, "EMPTY_ANSWER")).innerText();
        const { cost } = await settledCharge(stack, requestId);
        assertEquals(await costUnder(answer), asCost(cost));
        assert(!/nothing was charged/i.test(words), words);
      }
    }),
);

browserTest(
  "Stop, then a reload while the cost is looked up: it is shown all the same",
  () =>
    withPage(stack, {}, async (page) => {
      await enter(page);
      const release = await holdCharges(page);
      const { answer, requestId } = await beginLong(page);
      await button(page, "Stop").click();
      await untilState(answer, "stopped");
      const { cost } = await settledCharge(stack, requestId);
      await page.reload();
      await untilState(answers(page), "stopped");
      await release();
      assertEquals(await costUnder(answers(page)), asCost(cost));
    }),
);

browserTest(
  "deleting a chat, and signing out, stops the answer that comes",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await enter(page);
      const { requestId } = await beginLong(page);
      await button(page, "Delete chat Tell me a long story").click();
      await page.getByRole("dialog").getByRole("button", { name: /delete/i }).click();
      await untilCancelled();
      assertEquals((await settledCharge(stack, requestId)).finish, "cancelled");

      const second = await beginLong(page);
      await button(page, "Sign out").click();
      await untilCancelled();
      const { cost } = await settledCharge(stack, second.requestId);
      await signIn(stack, page, person);
      await page.getByRole("link", { name: "Tell me a long story" }).click();
      await untilState(answers(page), "stopped");
      assertEquals(await costUnder(answers(page)), asCost(cost));
    }),
);

browserTest(
  "Stop before the answer begins: what it was charged all the same is found and shown",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await enter(page);
      const { answered } = await loseAnswer(page, () => {});
      await say(page, ordering("Asked before a stop", { output_tokens: 20 }));
      await answered;
      await button(page, "Stop").click();
      await assertShown(stack, person, await answerThatIs(page, "stopped"));
      await assertCharges(stack, person, 1);
    }),
);

browserTest(
  "Stop before the answer begins, with nothing charged: the question goes back into the composer",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await enter(page);
      await page.route(CHAT, () => {});
      await say(page, "Never answered");
      await button(page, "Stop").click();
      await assertKept(page, "Never answered");
      assertEquals(await answers(page).count(), 0);
      await page.unroute(CHAT);
      await sendTyped(page);
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      await assertCharges(stack, person, 1);
    }),
);

browserTest(
  "a cost that the balance paid only in part says how much was taken",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await enter(page);
      await setBalance(stack, person, "0.02");
      const { answer } = await ask(page, "Read much", {
        prompt_tokens: 100_000,
        output_tokens: 10,
      });
      await costUnder(answer);
      const line = await answer.getByTestId("cost").innerText();
      assertMatch(line, /^\$0\.25\d+, of which \$0\.02 was taken · /);
      assertEquals(await composer(page).inputValue(), "");
    }),
);
