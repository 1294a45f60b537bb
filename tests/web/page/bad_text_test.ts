/** Text that means harm, and text that is far too much. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answerThatIs,
  assertCharges,
  assertShown,
  assertTame,
  newPerson,
  problem,
  say,
} from "./bad_harness.ts";
import { ATTACKS, PIECES } from "./bad_markup.ts";
import { settingsTests } from "./bad_settings.ts";
import {
  answers,
  button,
  chatLinks,
  composer,
  continueAsGuest,
  ordering,
  signIn,
} from "./page_harness.ts";

/** Less than 20,000 words have. */
const stack = await startTestStack({ env: { MAX_BODY_BYTES: "100000" } });
Deno.test.afterAll(() => stack.stop());

const WORDS = "pneumonia ".repeat(20_000);

browserTest(
  "HTML and script in an answer, its question and its title do nothing, however the stream is cut",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      const dialogs: string[] = [];
      page.on("dialog", async (dialog) => {
        dialogs.push(dialog.message());
        await dialog.dismiss();
      });
      const text = ATTACKS.join("\n\n");
      // The question holds the same text, and gives the chat its title.
      await say(page, ordering(ATTACKS[0]!, { text, token_ms: 0, split_bytes: 7 }));
      const answer = await answerThatIs(page, "complete");
      await assertTame(page);
      assertEquals(dialogs, []);
      assertEquals(new URL(page.url()).origin, new URL(stack.url).origin);
      assertMatch(await chatLinks(page).first().innerText(), /<img src=x/);
      // A picture is a link to it, and is not asked for.
      await answer.locator('a[href="https://pictures.example/pixel.png"]').waitFor();
      await assertShown(stack, person, answer);

      await page.reload();
      await answers(page).waitFor();
      await assertTame(page);
      assertEquals(dialogs, []);
      await assertCharges(stack, person, 1);
    }),
);

browserTest(
  "of 300 random pieces of markup, shown as answers, nothing is left that runs, loads or leads elsewhere than to the web",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await say(page, "A chat to look like");
      await answerThatIs(page, "complete");
      await page.reload();
      await answers(page).waitFor();
      const seed = Math.floor(Math.random() * 2 ** 31);
      const pieces = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 12 });
      const texts = fc.sample(pieces, { numRuns: 300, seed }).map((found) => found.join(""));
      await page.evaluate(`(${ANSWERING})(${JSON.stringify([person.id, texts])})`);
      await page.reload();
      await until("all of them", async () => await answers(page).count() === texts.length);
      await assertTame(page).catch((error) => {
        throw new Error(`Seed ${seed}: ${error.message}`);
      });
      // Each is still there to be read: none has taken the page apart.
      assertEquals(await page.locator('[data-testid="answer"] [data-testid="answer"]').count(), 0);
      await say(page, "Still here?");
      await until("an answer more", async () => await answers(page).count() === texts.length + 1);
      await assertShown(stack, person, await answerThatIs(page, "complete"));
    }),
);

browserTest(
  "an answer of marks nested deeper than any text is shown as it was written, and the page goes on",
  () =>
    withPage(stack, {}, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await say(page, "A chat to look like");
      await answerThatIs(page, "complete");
      const deep = [">", "> ", "- ", "**a _b ", "[", "![x]("].map((mark) =>
        `Before it\n\n${mark.repeat(8_000)} the end`
      );
      // The draft and what is stored are written by then.
      await page.reload();
      await answers(page).waitFor();
      await page.evaluate(
        `(${ANSWERING})(${JSON.stringify([person.id, [...deep, "After them"]])})`,
      );
      await page.reload();
      await until("all of them", async () => await answers(page).count() === deep.length + 1);
      assertEquals(await answers(page).getByText("Before it").count(), deep.length);
      await answers(page).getByText("After them").waitFor();
      await assertTame(page);
      await button(page, "New chat").click();
      const text = ">".repeat(3_000) + " the end";
      await say(page, ordering("Nest it", { text, token_ms: 0 }));
      await assertShown(stack, person, await answerThatIs(page, "complete"));
    }),
);

browserTest(
  "20,000 words pasted: the page goes on reacting, keeps them over a reload, and explains what is too much",
  () =>
    withPage(stack, { expectsStatus: [413] }, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      const gap = await longestGap(page, () => paste(page, WORDS));
      assert(gap < 1_000, `nothing reacted for ${gap} ms`);
      const typing = await longestGap(page, () => page.keyboard.type("and more"));
      assert(typing < 1_000, `nothing reacted for ${typing} ms`);
      await page.reload();
      await until(
        "the draft",
        async () => await composer(page).inputValue() === `${WORDS}and more`,
      );

      await button(page, "Send").click();
      const alert = await problem(page, "REQUEST_TOO_LARGE");
      await button(alert, "Shorten").click();
      assertEquals(await composer(page).inputValue(), `${WORDS}and more`);
      assertEquals(await page.evaluate("document.activeElement?.localName"), "textarea");
      await assertCharges(stack, person, 0);
      await composer(page).fill("Shorter");
      await button(page, "Send").click();
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      await assertCharges(stack, person, 1);
    }),
);

browserTest(
  "what is more than a guest can send is explained, and kept",
  () =>
    withPage(stack, { expectsStatus: [400, 413] }, async (page) => {
      await continueAsGuest(stack, page);
      // Fewer bytes than the limit, and more tokens than a guest's.
      const words = "a b c d ".repeat(9_000);
      await paste(page, words);
      await button(page, "Send").click();
      const alert = await problem(page, "INVALID_REQUEST");
      assertMatch(await alert.innerText(), /tokens/);
      await button(alert, "Shorten").click();
      assertEquals((await composer(page).inputValue()).trim(), words.trim());
      await composer(page).fill("Shorter");
      await button(page, "Send").click();
      await answerThatIs(page, "complete");
    }),
);

/** Puts answers with these texts into the only chat that is stored of somebody. */
const ANSWERING = `async ([userId, texts]) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open("farebox-chats-" + userId));
  const chats = () => database.transaction("chats", "readwrite").objectStore("chats");
  const [chat] = await done(chats().getAll());
  const answer = chat.messages.at(-1);
  const messages = texts.map((text) => ({ ...answer, id: crypto.randomUUID(), text }));
  await done(chats().put({ ...chat, messages: [chat.messages[0], ...messages] }, chat.id));
  database.close();
}`;

/** As a clipboard gives it: all at once. */
async function paste(page: Page, text: string): Promise<void> {
  await composer(page).focus();
  await page.keyboard.insertText(text);
}

/** The longest time in milliseconds in which the page's main thread did nothing else. */
async function longestGap(page: Page, action: () => Promise<void>): Promise<number> {
  await page.evaluate(`(() => {
    globalThis.__gap = 0;
    let last = performance.now();
    globalThis.__ticks = setInterval(() => {
      const now = performance.now();
      globalThis.__gap = Math.max(globalThis.__gap, now - last);
      last = now;
    }, 10);
  })()`);
  await action();
  // What is counted and asked after the typing pauses is part of it.
  return await page.evaluate<number>(`new Promise((resolve) => setTimeout(() => {
    clearInterval(globalThis.__ticks);
    resolve(globalThis.__gap);
  }, 1200))`);
}

settingsTests(stack);
