/** What the browser refuses to keep, or gives back broken: the page works, and says so. */
import { assert, assertEquals } from "@std/assert";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answerThatIs,
  assertCharges,
  assertShown,
  newPerson,
  problem,
  say,
} from "./bad_harness.ts";
import { button, composer, signIn } from "./page_harness.ts";

/** Every way in which a browser refuses a database. */
const NO_DATABASE = [
  `Object.defineProperty(globalThis, "indexedDB", {
    get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
  })`,
  `IDBFactory.prototype.open = () => {
    const request = new EventTarget();
    request.error = new DOMException("A mutation operation was attempted.", "InvalidStateError");
    setTimeout(() => {
      const event = new Event("error");
      request.onerror?.(event);
      request.dispatchEvent(event);
    });
    return request;
  }`,
];

const FULL = `Storage.prototype.setItem = () => {
  throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
}`;

const REFUSED = ["localStorage", "sessionStorage"].map((name) =>
  `Object.defineProperty(globalThis, ${JSON.stringify(name)}, {
    get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
  });`
).join("\n");

/** The page says it in the console too. */
const NOT_STORED = { expectsConsoleErrors: [/Chats are not stored/] };

/** The first write of a chat meets what is no refusal of the browser's. */
const BUG_ONCE = `(() => {
  const put = IDBObjectStore.prototype.put;
  globalThis.__bugs = 0;
  IDBObjectStore.prototype.put = function (...args) {
    if (globalThis.__bugs++ === 0) throw new TypeError("A bug");
    globalThis.__bugs = 1;
    return put.apply(this, args);
  };
})()`;

/** Puts `change(chat, index)`, an expression, in the place of every chat that is stored. */
const changingChats = (change: string) =>
  `(async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  let index = 0;
  const changed = (value) => Array.isArray(value)
    ? value.map(changed)
    : (${change})(value, index++);
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const keys = await done(database.transaction(store).objectStore(store).getAllKeys());
      for (const key of keys) {
        const value = await done(database.transaction(store).objectStore(store).get(key));
        const chats = database.transaction(store, "readwrite").objectStore(store);
        await done(chats.put(changed(value), key));
      }
    }
    database.close();
  }
  return index;
})()`;

/** Tests on this stack, which the caller stops. */
export function storageTests(stack: TestStack): void {
  for (const [index, script] of NO_DATABASE.entries()) {
    browserTest(
      `where the browser refuses a database (${
        index + 1
      }) the page says that chats are not kept, and chats all the same`,
      () =>
        withPage(stack, NOT_STORED, async (page) => {
          await page.addInitScript(script);
          const person = await newPerson(stack);
          await signIn(stack, page, person);
          await problem(page, "STORAGE_UNAVAILABLE");
          await say(page, "Is anybody there?");
          await assertShown(stack, person, await answerThatIs(page, "complete"));
          await assertCharges(stack, person, 1);
        }),
    );
  }

  browserTest(
    "where the browser's storage is full, one can sign in, chat and change the theme until the page is left",
    () =>
      withPage(stack, {}, async (page) => {
        await page.addInitScript(FULL);
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await composer(page).fill("A draft");
        await button(page, "Dark theme").click();
        await say(page, "Is anybody there?");
        await assertShown(stack, person, await answerThatIs(page, "complete"));
        await assertCharges(stack, person, 1);
      }),
  );

  browserTest(
    "where the browser refuses every storage for texts, one can sign in, type, chat and sign out",
    () =>
      withPage(stack, {}, async (page) => {
        await page.addInitScript(REFUSED);
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, "Is anybody there?");
        await assertShown(stack, person, await answerThatIs(page, "complete"));
        await composer(page).fill("A draft");
        await button(page, "New chat").click();
        await until("no draft", async () => await composer(page).inputValue() === "");
        await page.goBack();
        await until("the draft", async () => await composer(page).inputValue() === "A draft");
        await button(page, "Sign out").click();
        await button(page, "Continue as guest").waitFor();
      }),
  );

  browserTest(
    "a bug where a chat is stored is told in the console, and the chats that come after it are stored",
    () =>
      withPage(stack, { expectsConsoleErrors: [/A bug/] }, async (page) => {
        await page.addInitScript(BUG_ONCE);
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, "Number one");
        await answerThatIs(page, "complete");
        await until("the bug", async () => await page.evaluate("globalThis.__bugs === 1"));
        await button(page, "New chat").click();
        await say(page, "Number two");
        await answerThatIs(page, "complete");
        assertEquals(await page.locator('[data-code="STORAGE_UNAVAILABLE"]').count(), 0);
        await page.reload();
        await page.getByRole("navigation", { name: "Chats" })
          .getByRole("link", { name: "Number two" }).waitFor();
      }),
  );

  browserTest(
    "of stored chats the broken ones are left out and said to be so, and the others are as they were",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        for (const question of ["Number one", "Number two"]) {
          await button(page, "New chat").click();
          await say(page, question);
          await answerThatIs(page, "complete");
        }
        await page.reload();
        const chats = page.getByRole("navigation", { name: "Chats" });
        await chats.getByRole("link", { name: "Number one" }).waitFor();
        const found = await page.evaluate(
          changingChats(`(chat) => chat.title === "Number one" ? { ...chat, messages: 7 } : chat`),
        );
        assert(Number(found) >= 2);
        await page.reload();
        await chats.getByRole("link", { name: "Number two" }).click();
        await page.getByTestId("answer").waitFor();
        assertEquals(await chats.getByRole("link", { name: "Number one" }).count(), 0);
        await problem(page, "CHATS_DAMAGED");
        await say(page, "Number three");
        await assertShown(stack, person, await answerThatIs(page, "complete"));

        for (const garbage of [`"what is this?"`, `null`, `{ id: 3 }`]) {
          await page.evaluate(changingChats(`() => (${garbage})`));
          await page.reload();
          await composer(page).waitFor();
          await problem(page, "CHATS_DAMAGED");
          await say(page, "Is anybody there?");
          await assertShown(stack, person, await answerThatIs(page, "complete"));
        }
        await assertCharges(stack, person, 6);
      }),
  );
}
