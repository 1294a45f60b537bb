/** Sessions that end, and what the browser keeps or refuses to keep: nothing that was typed is lost. */
import { assert, assertEquals } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answerThatIs,
  assertCharges,
  assertKept,
  assertShown,
  changeSession,
  chatRequests,
  fillSignIn,
  newPerson,
  problem,
  say,
} from "./bad_harness.ts";
import { estimateTests } from "./bad_estimates.ts";
import { leftoverTests } from "./bad_leftovers.ts";
import { storageTests } from "./bad_storage.ts";
import { button, composer, ordering, signIn } from "./page_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** A token whose signature is not Auth's, and nothing to get a new one by. */
const DEAD =
  `{ access_token: session.access_token.slice(0, -8) + "AAAAAAAA", refresh_token: "gone" }`;
/** As the clock of the browser sees it; the refresh token is good. */
const EXPIRED =
  `{ access_token: session.access_token.slice(0, -8) + "AAAAAAAA", expires_at: 1000 }`;
/** The functions and Auth refuse what has ended, and browsers log that. */
const REFUSED = { expectsStatus: [400, 401, 403] };

browserTest(
  "a session that ends in mid-chat: sign-in opens over the chat, which stays, and the question is sent after it",
  () =>
    withPage(stack, REFUSED, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await say(page, "The first question");
      await answerThatIs(page, "complete");
      await changeSession(page, DEAD);
      await say(page, "The second question");
      const form = page.getByRole("dialog");
      await form.getByRole("heading", { name: "Sign in" }).waitFor();
      assertEquals(await page.getByText("The first question").first().isVisible(), true);
      assert(await page.getByTestId("answer").first().isVisible());
      await assertCharges(stack, person, 1);

      const sent = chatRequests(page);
      await fillSignIn(page, person);
      await assertKept(page, "The second question");
      await button(page, "Send").click();
      await until("the second answer", async () => await page.getByTestId("answer").count() === 2);
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      assertEquals(sent.count, 1);
      assertEquals(await page.getByTestId("question").count(), 2);
      assertEquals(await page.getByRole("alert").count(), 0);
      await assertCharges(stack, person, 2);
    }),
);

browserTest(
  "the sign-in that a session's end opens can be closed: the question stays, and Sign in again goes on with it",
  () =>
    withPage(stack, REFUSED, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await changeSession(page, DEAD);
      await say(page, "Not to be lost");
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await assertKept(page, "Not to be lost");
      await button(await problem(page, "UNAUTHENTICATED"), "Sign in again").click();
      await fillSignIn(page, person);
      await assertKept(page, "Not to be lost");
      await button(page, "Send").click();
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      await assertCharges(stack, person, 1);
    }),
);

browserTest(
  "where a session has ended nothing is sent until somebody has signed in again: not as a guest's either",
  () =>
    withPage(stack, REFUSED, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await say(page, ordering("A private matter", { error_frame_after_tokens: 5 }));
      await answerThatIs(page, "cut");
      await changeSession(page, DEAD);
      await say(page, "A second private matter");
      await page.getByRole("dialog").waitFor();
      const sent = chatRequests(page);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await button(page, "Send").click();
      await page.getByRole("dialog").waitFor();
      assertEquals(sent.count, 0);
      assertEquals(await page.getByTestId("question").count(), 1);
      await fillSignIn(page, person);
      await assertKept(page, "A second private matter");
      await button(page, "Send").click();
      await until("the second answer", async () => await page.getByTestId("answer").count() === 2);
      await answerThatIs(page, "complete");
      assertEquals(sent.count, 1);
    }),
);

browserTest(
  "an access token that has expired is renewed in silence where its refresh token is good",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await changeSession(page, EXPIRED);
      await say(page, "Still here?");
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      assertEquals(await page.getByRole("alert").count(), 0);
      assertEquals(await page.getByRole("dialog").count(), 0);
      await assertCharges(stack, person, 1);
    }),
);

browserTest(
  "somebody else who signs in where a session has ended sees none of the other's chats",
  () =>
    withPage(stack, REFUSED, async (page) => {
      const [person, other] = [await newPerson(stack), await newPerson(stack)];
      await signIn(stack, page, person);
      await say(page, "A private matter");
      await answerThatIs(page, "complete");
      await changeSession(page, DEAD);
      await button(page, "New chat").click();
      await say(page, "A second private matter");
      await page.getByRole("dialog").waitFor();
      await fillSignIn(page, other);
      await page.getByText(other.email).first().waitFor();
      await until(
        "the other's chats to be gone",
        async () => await page.getByText("A private matter").count() === 0,
      );
      await assertCharges(stack, person, 1);
      assertEquals(await composer(page).inputValue(), "");
      await assertCharges(stack, other, 0);
    }),
);

browserTest(
  "an expired session that cannot be renewed, for the project does not answer: the page says so, and goes on when it does",
  () =>
    withPage(stack, { expectsConsoleErrors: [/net::ERR_FAILED/] }, async (page, context) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await say(page, "Before it");
      await answerThatIs(page, "complete");
      await changeSession(page, EXPIRED);
      const apis = "**/{functions,auth,rest}/v1/**";
      await context.route(apis, (route) => route.abort());
      await page.clock.install();
      await page.reload();
      await page.getByText("Loading").waitFor();
      // supabase-js goes on trying; the page does not wait as long.
      await page.clock.fastForward(8_000);
      await page.getByRole("alert").filter({ hasText: "does not answer" }).waitFor();
      await context.unroute(apis);
      await button(page, "Load again").click();
      await page.getByText("Before it").first().waitFor();
      await say(page, "After it");
      await until("the second answer", async () => await page.getByTestId("answer").count() === 2);
      await answerThatIs(page, "complete");
      await assertCharges(stack, person, 2);
    }),
);

storageTests(stack);
leftoverTests(stack);
estimateTests(stack);
