/** A chat that was deleted stays deleted, whatever other tabs do meanwhile; one that was not stays. */
import { assertEquals, equal } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answers,
  asBalance,
  ask,
  askToTheEnd,
  balanceOf,
  button,
  chatLinks,
  composer,
  continueAsGuest,
  deleteChat,
  fillSignUp,
  type PageUser,
  problem,
  sendTyped,
  signUp,
  untilBalance,
  untilState,
  visit,
} from "./page_harness.ts";
import {
  FREEZE,
  IS_FULL,
  READS_TAKE_FOR_EVER,
  readsTake,
  REMOVALS_TAKE_FOR_EVER,
  removalsTake,
  storedTitles,
} from "./slow_browser.ts";

// All have one address: a guest's exchanges here are three.
const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** The page says it in the console too. */
const NOT_STORED = [/Chats are not stored/];

const LONG = { output_tokens: 900, token_ms: 10 };

/** Somebody with a chat in one tab, and another tab that shows it. */
async function inTwoTabs(
  test: (page: Page, other: Page, user: PageUser) => Promise<void>,
  expectsConsoleErrors: readonly RegExp[] = [],
): Promise<void> {
  await withPage(stack, { expectsConsoleErrors }, async (page) => {
    const user = await signUp(stack, page);
    await askToTheEnd(page, "To be deleted");
    const other = await page.context().newPage();
    await visit(stack, other);
    await chatLinks(other).filter({ hasText: "To be deleted" }).waitFor();
    await test(page, other, user);
  });
}

/** The titles that the page lists when it is loaded anew, once it lists what is stored. */
async function titlesAfterReload(page: Page, user: PageUser): Promise<string[]> {
  await page.reload();
  return await until("the page to list what is stored", async () => {
    const stored = await page.evaluate<string[] | null>(storedTitles(user.id));
    const listed = await chatLinks(page).allInnerTexts();
    return stored !== null && equal(stored.toSorted(), listed.toSorted()) && listed;
  });
}

browserTest(
  "a deleted chat is gone, after a reload too, and its cost stays in the balance",
  () =>
    withPage(stack, {}, async (page) => {
      const user = await signUp(stack, page);
      await askToTheEnd(page, "To be deleted");
      await deleteChat(page, "To be deleted");
      await page.reload();
      await untilBalance(page, asBalance(await balanceOf(stack, user)));
      assertEquals(await chatLinks(page).count(), 0);
    }),
);

browserTest(
  "a chat that was deleted stays deleted, although another tab goes later that had not stored what it asked there",
  () =>
    inTwoTabs(async (page, other, user) => {
      await page.evaluate(READS_TAKE_FOR_EVER);
      await askToTheEnd(page, "More of it");
      await deleteChat(other, "To be deleted");
      await page.goto("about:blank");
      await until("the other tab to have taken what was left", () =>
        other.evaluate<boolean>(
          `!Object.keys(localStorage).some((key) => key.startsWith("farebox-unsaved-"))`,
        ));
      assertEquals(await chatLinks(other).count(), 0);
      assertEquals(await titlesAfterReload(other, user), []);
    }),
);

browserTest(
  "a chat that is deleted while the tab that deletes it reads it does not come back",
  () =>
    inTwoTabs(async (page, other, user) => {
      await other.evaluate(readsTake(1_500));
      const { answer } = await ask(page, "More of it", LONG);
      await until("some text", async () => (await answer.innerText()).length > 100);
      await deleteChat(other, "To be deleted");
      await until("the first tab to know", async () => await chatLinks(page).count() === 0);
      assertEquals(await chatLinks(other).count(), 0);
      assertEquals(await titlesAfterReload(page, user), []);
      assertEquals(await titlesAfterReload(other, user), []);
    }),
);

browserTest(
  "a chat that is deleted while another tab writes to it does not come back",
  () =>
    inTwoTabs(async (page, other, user) => {
      await other.evaluate(removalsTake(1_500));
      const { answer } = await ask(page, "More of it", LONG);
      await until("some text", async () => (await answer.innerText()).length > 100);
      await deleteChat(other, "To be deleted");
      await until("the first tab to know", async () => await chatLinks(page).count() === 0);
      assertEquals(await titlesAfterReload(page, user), []);
      assertEquals(await titlesAfterReload(other, user), []);
    }),
);

browserTest(
  "a chat that a tab wrote after another had deleted it does not come back, although that tab is loaded anew before it has removed it",
  () =>
    inTwoTabs(async (page, other, user) => {
      await other.evaluate(removalsTake(1_500));
      await page.evaluate(REMOVALS_TAKE_FOR_EVER);
      const { answer } = await ask(page, "More of it", LONG);
      await until("some text", async () => (await answer.innerText()).length > 100);
      await deleteChat(other, "To be deleted");
      await until("the first tab to know", async () => await chatLinks(page).count() === 0);
      assertEquals(await titlesAfterReload(page, user), []);
      assertEquals(await titlesAfterReload(other, user), []);
    }),
);

browserTest(
  "a question asked again, whose first chat's deletion was still to be stored, is kept by another tab with its answer",
  () =>
    inTwoTabs(async (page, other, user) => {
      await page.evaluate(READS_TAKE_FOR_EVER);
      await button(page, "New chat").click();
      // Something that holds the database: the deletion is not stored.
      await askToTheEnd(page, "In the way");
      await button(page, "New chat").click();
      await page.route("**/chat/completions", (route) => route.abort());
      await composer(page).fill("Asked twice");
      await button(page, "Send").click();
      await until("the question back", async () =>
        await composer(page).inputValue() === "Asked twice");
      await page.unroute("**/chat/completions");
      const { answer } = await sendTyped(page);
      await untilState(answer, "complete");
      await page.goto("about:blank");
      await chatLinks(other).filter({ hasText: "Asked twice" }).waitFor();
      const titles = await titlesAfterReload(other, user);
      assertEquals(titles.toSorted(), ["Asked twice", "In the way", "To be deleted"]);
      await chatLinks(other).filter({ hasText: "Asked twice" }).click();
      await untilState(answers(other), "complete");
    }, [/net::ERR_FAILED/]),
);

browserTest(
  "where the browser has no room left, a deleted chat is deleted in every tab, and after a reload",
  () =>
    inTwoTabs(async (page, other, user) => {
      await page.evaluate(IS_FULL);
      await button(page, "New chat").click();
      await askToTheEnd(page, "No room for it");
      await problem(page, "STORAGE_UNAVAILABLE");
      await deleteChat(page, "To be deleted");
      await until("the other tab to know", async () => await chatLinks(other).count() === 0);
      assertEquals(await titlesAfterReload(page, user), []);
    }, NOT_STORED),
);

browserTest(
  "where the browser has no room left, the chats of a guest who signs up are not the next guest's",
  () =>
    withPage(stack, { expectsConsoleErrors: NOT_STORED }, async (page) => {
      await continueAsGuest(stack, page);
      await untilState((await ask(page, "Of a guest")).answer, "complete");
      await page.reload();
      await untilState(answers(page), "complete");
      await page.evaluate(IS_FULL);
      await button(page, "Sign up").first().click();
      await fillSignUp(stack, page);
      await problem(page, "STORAGE_UNAVAILABLE");
      await chatLinks(page).filter({ hasText: "Of a guest" }).waitFor();
      await button(page, "Sign out").click();
      await continueAsGuest(stack, page);
      assertEquals(await chatLinks(page).count(), 0);
    }),
);

browserTest(
  "a guest's tab that was frozen while another signed up undoes nothing of what was done there since",
  () =>
    withPage(stack, {}, async (page, context) => {
      await continueAsGuest(stack, page);
      for (const title of ["To be deleted", "To go on"]) {
        await button(page, "New chat").click();
        await untilState((await ask(page, title)).answer, "complete");
      }
      const other = await context.newPage();
      await visit(stack, other);
      await chatLinks(other).filter({ hasText: "To go on" }).click();
      await untilState(answers(other), "complete");
      const thaw = Promise.withResolvers<void>();
      const frozen = other.waitForRequest("**/thaw");
      await other.route("**/thaw", async (route) => {
        await thaw.promise;
        await route.fulfill({ body: "" });
      });
      await other.evaluate(FREEZE);
      await frozen;

      await button(page, "Sign up").first().click();
      const user = await fillSignUp(stack, page);
      await askToTheEnd(page, "Gone on");
      await deleteChat(page, "To be deleted");
      thaw.resolve();
      await untilBalance(other, asBalance(await balanceOf(stack, user)));
      await until("the other tab to go on too", async () => await answers(other).count() === 2);
      for (const tab of [page, other]) {
        assertEquals(await titlesAfterReload(tab, user), ["To go on"]);
        await until("both answers", async () => await answers(tab).count() === 2);
      }
    }),
);
