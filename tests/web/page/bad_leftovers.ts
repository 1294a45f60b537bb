/** What one person leaves behind in a browser: the next to use it finds nothing of it. */
import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { answerThatIs, newPerson, say } from "./bad_harness.ts";
import { button, composer, continueAsGuest, fillSignUp, signIn, signUp } from "./page_harness.ts";

/** What somebody has typed is stored a moment later. */
const TYPED = `Object.values(sessionStorage).filter((text) => text.includes("A secret")).length`;

/** How many chats are stored, of a guest or a user. */
const storedChats = (page: Page, owner: string) =>
  page.evaluate<number>(`(async () => {
    const done = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const name = ${JSON.stringify(`farebox-chats-${owner}`)};
    if (!(await indexedDB.databases()).some((database) => database.name === name)) return 0;
    const database = await done(indexedDB.open(name));
    const count = await done(database.transaction("chats").objectStore("chats").count());
    database.close();
    return count;
  })()`);

/** Tests on this stack, which the caller stops. */
export function leftoverTests(stack: TestStack): void {
  browserTest(
    "what somebody typed in a tab that was elsewhere while they signed out is not shown to whoever signs up next, nor kept",
    () =>
      withPage(stack, {}, async (page, context) => {
        await signIn(stack, page, await newPerson(stack));
        await composer(page).fill("A secret draft");
        await until("it to be stored", async () => await page.evaluate(TYPED) === 1);
        await page.goto("about:blank");

        const other = await context.newPage();
        await other.goto(stack.url);
        await button(other, "Sign out").click();
        await signUp(stack, other);

        await page.goto(stack.url);
        await composer(page).waitFor();
        assertEquals(await composer(page).inputValue(), "");
        assertEquals(await page.evaluate(TYPED), 0);
        await composer(page).fill("A secret of their own");
        await page.reload();
        await until(
          "their own draft",
          async () => await composer(page).inputValue() === "A secret of their own",
        );
      }),
  );

  browserTest(
    "a guest who signs up takes chats and what is typed along, and nothing of them stays with the guests",
    () =>
      withPage(stack, {}, async (page) => {
        await continueAsGuest(stack, page);
        await say(page, "Of a guest");
        await answerThatIs(page, "complete");
        await until("the guest's chat to be stored", async () =>
          await storedChats(page, "guest") === 1);
        await composer(page).fill("A secret draft");
        await button(page, "Sign up").first().click();
        const user = await fillSignUp(stack, page);
        await until("the user's chat to be stored", async () =>
          await storedChats(page, user.id) === 1);
        await until("no guest's chat", async () =>
          await storedChats(page, "guest") === 0);
        assertEquals(await composer(page).inputValue(), "A secret draft");
        await page.reload();
        await until(
          "the draft after a reload",
          async () =>
            await composer(page).inputValue() === "A secret draft",
        );
        assertEquals(await page.evaluate(TYPED), 1);
      }),
  );
}
