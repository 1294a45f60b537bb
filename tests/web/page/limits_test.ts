/** Where the money or the free exchanges end: what happened is said, nothing typed is lost, and it goes on. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import { accountOf, chargeOf, exact, setBalance } from "../../support/charges.ts";
import { startTestStack } from "../../support/stack.ts";
import {
  answers,
  asBalance,
  asCost,
  ask,
  askToTheEnd,
  balanceOf,
  button,
  composer,
  continueAsGuest,
  costUnder,
  dialog,
  fillSignUp,
  ordering,
  type PageUser,
  problem,
  questions,
  sendTyped,
  settledCharge,
  signUp,
  untilBalance,
  untilState,
} from "./page_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const balanceTo = (user: PageUser, to: string) => setBalance(stack, { ...user, token: "" }, to);

browserTest(
  "an empty balance is refused: the question stays, credits can be added, and then it is sent",
  () =>
    withPage(stack, { expectsStatus: [402] }, async (page) => {
      const user = await signUp(stack, page);
      await balanceTo(user, "0");
      const question = ordering("What does a ticket to zone 2 cost?", { output_tokens: 9 });
      const { status } = await ask(page, question);
      assertEquals(status, 402);
      const alert = problem(page, "INSUFFICIENT_BALANCE");
      assertMatch(await alert.innerText(), /credit/i);
      assertEquals(await composer(page).inputValue(), question, "nothing typed is lost");
      await untilBalance(page, "$0.00");

      await button(alert, "Add credits").click();
      const adding = dialog(page, /add credits/i);
      await adding.waitFor();
      await page.keyboard.press("Escape");
      await adding.waitFor({ state: "hidden" });

      await balanceTo(user, "5");
      const { answer, requestId } = await sendTyped(page);
      await untilState(answer, "complete");
      const charge = await settledCharge(stack, requestId);
      assertEquals(await costUnder(answer), asCost(charge.cost));
      assertEquals(await alert.count(), 0);
      await untilBalance(page, asBalance(await balanceOf(stack, user)));
      assertEquals(exact(await balanceOf(stack, user)), exact("5") - exact(charge.cost));
    }),
);

browserTest(
  "a balance that pays for a part of the answer: the part is kept, and why it ended is said",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      await balanceTo(user, "0.0104");
      const { answer, requestId } = await ask(page, "Tell me all", { output_tokens: 3_000 });
      await untilState(answer, "cut");
      const alert = problem(page, "INSUFFICIENT_BALANCE");
      await button(alert, "Add credits").waitFor();
      assert((await answer.innerText()).length > 1_000, "what came is kept");
      const charge = await settledCharge(stack, requestId);
      assertEquals(await costUnder(answer), asCost(charge.cost));
      assert(charge.output_tokens < 3_000);
      const { balance, reserved } = await accountOf(stack.sql, user);
      assert(balance >= 0n);
      assertEquals(reserved, 0n);
      await untilBalance(page, asBalance(await balanceOf(stack, user)));
    }),
);

browserTest(
  "a guest is stopped at the fourth exchange, and goes on in the same chat after signing up",
  () =>
    withPage(stack, { expectsStatus: [429] }, async (page) => {
      await continueAsGuest(stack, page);
      for (const left of [2, 1, 0]) {
        const { answer } = await ask(page, `Question ${3 - left}`, { output_tokens: 8 });
        await untilState(answer, "complete");
        const words = new RegExp(left === 0 ? "no free|0 of 3" : `${left} of 3`, "i");
        await page.locator("farebox-balance").getByText(words).first().waitFor();
      }
      const fourth = ordering("Question 4", { output_tokens: 8 });
      assertEquals((await ask(page, fourth)).status, 429);
      const alert = problem(page, "FREE_LIMIT_REACHED");
      await alert.waitFor();
      assertEquals(await composer(page).inputValue(), fourth);
      const texts = await answers(page).allInnerTexts();

      await button(alert, "Sign up").click();
      const user = await fillSignUp(stack, page);
      await untilBalance(page, "$10.00");
      assertEquals(await composer(page).inputValue(), fourth, "the question waits");
      assertEquals(await answers(page).count(), texts.length);
      assertEquals(await questions(page).filter({ hasText: /^Question [123]/ }).count(), 3);

      const { answer, requestId } = await sendTyped(page);
      await untilState(answer, "complete");
      const charge = await chargeOf(stack.sql, requestId);
      assertEquals(charge.user_id, user.id);
      assertEquals(await costUnder(answer), asCost(charge.cost));
      assertEquals(exact(await balanceOf(stack, user)), exact("10") - exact(charge.cost));
      assertEquals(await questions(page).count(), 4);

      await page.reload();
      await askToTheEnd(page, "Question 5");
      assertEquals(await questions(page).count(), 5, "the chat is the user's now");
    }),
);
