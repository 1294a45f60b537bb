/** Tabs, devices and reloads: what is shown in one place is shown in the other, and stays. */
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answers,
  asBalance,
  asCost,
  ask,
  askToTheEnd,
  balanceOf,
  balanceShown,
  button,
  chatLinks,
  composer,
  costUnder,
  deleteChat,
  modelPicker,
  questions,
  settledCharge,
  signIn,
  signUp,
  untilBalance,
  untilState,
  visit,
} from "./page_harness.ts";
import { READS_TAKE_FOR_EVER } from "./slow_browser.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** What a chat shows, costs included. */
const chatShown = async (page: Page) => ({
  questions: await questions(page).allInnerTexts(),
  answers: await answers(page).allInnerTexts(),
});

browserTest(
  "two tabs agree on the balance and the chats",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      const other = await page.context().newPage();
      await visit(stack, other);
      await untilBalance(other, "$10.00");

      await askToTheEnd(page, "Asked in the first tab", { output_tokens: 300 });
      await untilBalance(other, await balanceShown(page));
      await chatLinks(other).filter({ hasText: "Asked in the first tab" }).click();
      await until("the answer", async () => await answers(other).count() === 1);
      assertEquals(await chatShown(other), await chatShown(page));

      await askToTheEnd(other, "Asked in the second tab", { output_tokens: 200 });
      await until("the second answer", async () => await answers(page).count() === 2);
      await untilBalance(page, asBalance(await balanceOf(stack, user)));
      assertEquals(await balanceShown(other), await balanceShown(page));
      assertEquals(await chatLinks(page).count(), 1);

      await button(page, "Sign out").click();
      await button(page, "Continue as guest").waitFor();
      await button(other, "Continue as guest").waitFor();
    }),
);

browserTest(
  "two devices of one user agree on the balance when they are looked at",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      await withPage(stack, {}, async (other) => {
        await signIn(stack, other, user);
        await untilBalance(other, "$10.00");
        await askToTheEnd(page, "Asked here", { output_tokens: 300 });
        await other.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
        await untilBalance(other, asBalance(await balanceOf(stack, user)), 20_000);
        assertEquals(await balanceShown(page), await balanceShown(other));
      });
    }),
);

browserTest(
  "a reload keeps chats, texts, costs, the model and what was typed",
  () =>
    withPage(stack, {}, async (page) => {
      await signUp(stack, page);
      await askToTheEnd(page, "First chat", { text: "An **answer** to keep." });
      await button(page, "New chat").click();
      const models = await modelPicker(page).locator("option").evaluateAll(
        (options) => options.map((option) => option.getAttribute("value") ?? ""),
      );
      const model = models.find((id) => id.startsWith("anthropic:"))!;
      await modelPicker(page).selectOption(model);
      await askToTheEnd(page, "Second chat", { output_tokens: 30 });
      await composer(page).fill("Half a thought");
      const before = await chatShown(page);

      await page.reload();
      await answers(page).first().waitFor();
      assertEquals(await chatShown(page), before);
      assertEquals(await composer(page).inputValue(), "Half a thought");
      assertEquals(await modelPicker(page).inputValue(), model);
      assertEquals(await chatLinks(page).count(), 2);
      assertEquals(await page.locator('[aria-current="page"]').allInnerTexts(), ["Second chat"]);

      await chatLinks(page).filter({ hasText: "First chat" }).click();
      await answers(page).filter({ hasText: "An answer to keep." }).waitFor();
      await costUnder(answers(page));
      await page.goBack();
      await questions(page).filter({ hasText: "Second chat" }).waitFor();
      assertEquals(await composer(page).inputValue(), "Half a thought");

      await button(page, "New chat").click();
      await until("an empty chat", async () => await answers(page).count() === 0);
    }),
);

browserTest(
  "a reload while the browser is still storing keeps the answer, and the deleted chat deleted",
  () =>
    withPage(stack, {}, async (page) => {
      await signUp(stack, page);
      await askToTheEnd(page, "To be deleted");
      await page.reload();
      await answers(page).waitFor();
      await page.evaluate(READS_TAKE_FOR_EVER);
      await button(page, "New chat").click();
      await askToTheEnd(page, "Just answered", { text: "An answer to keep." });
      const before = await chatShown(page);
      await deleteChat(page, "To be deleted");
      await page.reload();
      await answers(page).waitFor();
      assertEquals(await chatShown(page), before);
      assertEquals(await chatLinks(page).allInnerTexts(), ["Just answered"]);
    }),
);

browserTest(
  "a tab that goes while the browser is still storing leaves its answer, and its deletion, to the other tab",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      await askToTheEnd(page, "To be deleted");
      const other = await page.context().newPage();
      await visit(stack, other);
      await chatLinks(other).filter({ hasText: "To be deleted" }).waitFor();
      await page.evaluate(READS_TAKE_FOR_EVER);
      await button(page, "New chat").click();
      await askToTheEnd(page, "Just answered", { text: "An answer to keep." });
      await deleteChat(page, "To be deleted");
      await page.goto("about:blank");
      const isAgreed = async () =>
        (await chatLinks(other).allInnerTexts()).join() === "Just answered";
      await until("the other tab to know", isAgreed);
      await other.reload();
      await untilBalance(other, asBalance(await balanceOf(stack, user)));
      await until("the same after a reload", isAgreed);
      await chatLinks(other).click();
      await answers(other).filter({ hasText: "An answer to keep." }).waitFor();
    }),
);

browserTest(
  "a reload while the browser is still storing keeps what came of the second answer to a question, in place of the first",
  () =>
    withPage(stack, {}, async (page) => {
      await signUp(stack, page);
      const { answer } = await ask(page, "Twice", { output_tokens: 600, token_ms: 10 });
      await until("some text", async () => (await answer.innerText()).length > 100);
      await button(page, "Stop").click();
      await untilState(answer, "stopped");
      await costUnder(answer);
      const first = (await answer.innerText()).length;
      await page.evaluate(READS_TAKE_FOR_EVER);
      await button(page, "Try again").click();
      await until("more text", async () => (await answers(page).innerText()).length > 2 * first);
      await page.reload();
      await untilState(answers(page), "stopped");
      assert((await answers(page).innerText()).length > 2 * first, "the second one is there");
    }),
);

browserTest(
  "a reload in mid-stream shows what had come as stopped, and then what it cost",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      const order = { output_tokens: 600, token_ms: 10 };
      const { answer, requestId } = await ask(page, "A long one", order);
      await until("some text", async () => (await answer.innerText()).length > 300);
      await page.reload();
      await untilState(answers(page), "stopped");
      assert((await answers(page).innerText()).length > 100, "what had come is there");
      const charge = await settledCharge(stack, requestId);
      assertEquals(await costUnder(answers(page)), asCost(charge.cost));
      assertEquals(charge.finish, "cancelled");
      await untilBalance(page, asBalance(await balanceOf(stack, user)));
    }),
);
