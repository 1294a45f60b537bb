/** For users: what a chat has cost until now, answer by answer, and never another chat's figure. */
import { assertEquals } from "@std/assert";
import { until } from "../../support/until.ts";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { serveElements } from "./serve_elements.ts";
import { violations } from "./violations.ts";

const served = await serveElements();
Deno.test.afterAll(() => served.close());

const tokens = (input: number, output: number) => ({
  input,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_1h: 0,
  output,
});

const message = (requestId: string, cost: string, basis = "reported") => ({
  request_id: requestId,
  model: "openai:gpt-4o",
  cost,
  tokens: tokens(8, 101),
  basis,
  created_at: "2026-11-22T10:00:00Z",
});

function costsOf(cost: string, messages: readonly unknown[] = []) {
  const sums = { requests: messages.length, tokens: tokens(1204, 3400), cost };
  return { chat_id: "chat-1", ...sums, messages };
}

async function show(page: Page, chatId = "chat-1"): Promise<void> {
  await page.goto(served.url);
  await page.evaluate(`
    web.defineFareboxElements();
    add("farebox-chat-cost", { "chat-id": "${chatId}" });
    fake.tellUser("10");
  `);
}

/** Answers the call of this number. */
const answer = (page: Page, call: number, costs: unknown) =>
  page.evaluate(`fake.calls[${call}].resolve(${JSON.stringify(costs)})`);
const asked = (page: Page) => page.evaluate<string[]>("fake.calls.map(({ args }) => args[0])");
const element = (page: Page) => page.locator("farebox-chat-cost");
const total = (page: Page) => page.locator("farebox-chat-cost [part=total]");
const summary = (page: Page) => page.locator("farebox-chat-cost summary");

browserTest(
  "a chat's cost has all its digits, its tokens, and a row for each answer",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      assertEquals(await element(page).getAttribute("state"), "loading");
      const messages = [message("r1", "0.0100000001"), message("r2", "0.0023456788", "estimated")];
      await answer(page, 0, costsOf("0.0123456789", messages));
      assertEquals(await total(page).textContent(), "$0.0123456789");
      await page.getByText("1,204 in, 3,400 out · 2 answers").waitFor();
      await summary(page).click();
      assertEquals(
        await page.locator("farebox-chat-cost [part=message] button").allTextContents(),
        ["$0.0100000001", "$0.0023456788"],
      );
      assertEquals(await page.getByText("estimated").count(), 1);
    }),
);

browserTest(
  "a charge and its correction are one answer, with the exact sum of both",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      const messages = [message("r1", "0.3"), message("r2", "0.1"), message("r1", "-0.2999999999")];
      await answer(page, 0, { ...costsOf("0.1000000001", messages), requests: 2 });
      await summary(page).click();
      assertEquals(
        await page.locator("farebox-chat-cost [part=message] button").allTextContents(),
        ["$0.0000000001", "$0.10"],
      );
    }),
);

browserTest(
  "each answer leads to its receipt, by the keyboard alone",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await answer(page, 0, costsOf("0.3", [message("r1", "0.1"), message("r2", "0.2")]));
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "$0.10: why this price?" }).waitFor();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assertEquals(await page.evaluate("told"), [["farebox-receipt", { requestId: "r2" }]]);
      await page.keyboard.press("Escape");
      assertEquals(await page.locator("farebox-chat-cost [part=panel]").isVisible(), false);
      await page.keyboard.press("Enter");
      await page.locator("farebox-chat-cost [part=panel]").waitFor();
      await page.mouse.click(900, 700);
      assertEquals(await page.locator("farebox-chat-cost [part=panel]").isVisible(), false);
    }),
);

browserTest(
  "an older chat's answer never overwrites the newer one's, however late it comes",
  () =>
    withPage(served, {}, async (page) => {
      await show(page, "old");
      await page.evaluate(`document.querySelector("farebox-chat-cost").chatId = "new"`);
      // The watch begins anew, so it must hear again who asks.
      await page.evaluate(`fake.tellUser("10")`);
      assertEquals(await asked(page), ["old", "new"]);
      await answer(page, 1, costsOf("2"));
      await answer(page, 0, costsOf("1"));
      assertEquals(await total(page).textContent(), "$2.00");
      await page.evaluate(`document.querySelector("farebox-chat-cost").chatId = "old"`);
      assertEquals(await total(page).count(), 0);
      assertEquals(await element(page).getAttribute("state"), "loading");
    }),
);

browserTest(
  "an answer's cost in this chat is fetched when it is known, and another chat's is not",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await answer(page, 0, costsOf("1"));
      await summary(page).click();
      await page.evaluate(`fake.tellCost({ chatId: "chat-2", requestId: "r8" })`);
      await page.evaluate(`fake.tellCost({ chatId: null, requestId: "r9" })`);
      assertEquals((await asked(page)).length, 1);
      await page.evaluate(`fake.tellCost({ chatId: "chat-1", requestId: "r2" })`);
      assertEquals(await total(page).textContent(), "$1.00");
      await answer(page, 1, costsOf("1.5", [message("r2", "0.5")]));
      assertEquals(await total(page).textContent(), "$1.50");
      assertEquals(await page.locator("farebox-chat-cost details").getAttribute("open"), "");
    }),
);

browserTest(
  "a guest sees nothing, nothing is asked for, and signing up shows the cost",
  () =>
    withPage(served, {}, async (page) => {
      await page.goto(served.url);
      await page.evaluate(`
      web.defineFareboxElements();
      add("farebox-chat-cost", { "chat-id": "chat-1" });
      fake.tellGuest(3);
      fake.tellCost({ chatId: "chat-1", requestId: "r1" });
    `);
      assertEquals(await asked(page), []);
      assertEquals(await element(page).getAttribute("state"), "guest");
      assertEquals(
        await element(page).getAttribute("title"),
        "Guests pay nothing: there is no cost to show.",
      );
      await page.evaluate(`fake.tellUser("10")`);
      await answer(page, 0, costsOf("0"));
      assertEquals(await total(page).textContent(), "$0.00");
      assertEquals(await element(page).getAttribute("title"), null);
      // And where the refusal comes first.
      await page.evaluate(`fake.tellCost({ chatId: "chat-1", requestId: "r1" })`);
      await page.evaluate(`fake.calls[1].reject(refusal("FORBIDDEN"))`);
      assertEquals(await element(page).getAttribute("state"), "guest");
    }),
);

browserTest(
  "a cost that cannot be loaded says so; one that is known stays",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await page.evaluate(`fake.calls[0].reject(refusal("LEDGER_UNAVAILABLE"))`);
      await page.getByRole("alert").getByText("could not be loaded").waitFor();
      await page.getByRole("button", { name: "Try again" }).click();
      await answer(page, 1, costsOf("1"));
      await page.evaluate(`fake.tellCost({ chatId: "chat-1", requestId: "r1" })`);
      await page.evaluate(`fake.calls[2].reject(refusal("LEDGER_UNAVAILABLE"))`);
      assertEquals(await total(page).textContent(), "$1.00");
    }),
);

for (const phone of [false, true]) {
  browserTest(
    `the list of answers stays within the window at either edge${phone ? " of a phone" : ""}`,
    () =>
      withPage(served, { phone }, async (page) => {
        await show(page);
        await answer(page, 0, costsOf("1", [message("r1", "1")]));
        for (const side of ["start", "end"]) {
          await page.evaluate(`
            const main = document.querySelector("main");
            main.style.maxWidth = "none";
            main.firstChild.style.justifySelf = "${side}";
          `);
          await summary(page).click();
          const [left, right, width] = await page.evaluate<[number, number, number]>(`
            new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
              const { left, right } = document.querySelector("farebox-chat-cost").shadowRoot
                .querySelector("[part=panel]").getBoundingClientRect();
              resolve([left, right, document.documentElement.clientWidth]);
            })))
          `);
          assertEquals({ side, fits: left >= 0 && right <= width }, { side, fits: true });
          await summary(page).click();
        }
      }),
  );
}

for (const colorScheme of ["light", "dark"] as const) {
  browserTest(
    `axe finds nothing in any state of a chat's cost, ${colorScheme}`,
    () =>
      withPage(served, { colorScheme, bypassCsp: true, reducedMotion: true }, async (page) => {
        await show(page);
        const found = [...await violations(page)];
        await page.evaluate(`fake.calls[0].reject(refusal("LEDGER_UNAVAILABLE"))`);
        found.push(...await violations(page));
        await page.getByRole("button", { name: "Try again" }).click();
        await answer(page, 1, costsOf("0.3", [message("r1", "0.1"), message("r2", "0.2")]));
        await summary(page).click();
        found.push(...await violations(page));
        assertEquals(found, []);
      }),
  );
}

browserTest(
  "what another tab or device spends in a chat is asked for, and what this tab has told is asked for once",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await answer(page, 0, costsOf("0.01"));
      await total(page).waitFor();
      // As the client tells of an answer of this tab: the balance, then its cost.
      await page.evaluate(`fake.tellUser("9.9"); fake.tellCost({ chatId: "chat-1" })`);
      await answer(page, 1, costsOf("0.11"));
      await page.evaluate(`fake.tellUser("9.9", { reserved: "0.1" })`);
      await page.evaluate(`fake.tellUser("9.5")`);
      await until("the other tab's to be asked for", async () => (await asked(page)).length === 3);
      await answer(page, 2, costsOf("0.51"));
      await until("it", async () => await total(page).textContent() === "$0.51");
      assertEquals((await asked(page)).length, 3);
    }),
);

browserTest(
  "whoever signs in next sees nothing of what the one before has spent",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await page.evaluate(`fake.tellOwner("ann")`);
      await answer(page, 0, costsOf("0.01"));
      await total(page).waitFor();
      await page.evaluate(`add("farebox-balance"); fake.tellUser("10"); fake.tellOwner("ann")`);
      await page.locator("farebox-balance").getByText("$10.00").first().waitFor();
      await page.evaluate(`fake.tellOwner("bob")`);
      assertEquals(await total(page).count(), 0);
      assertEquals(await page.locator("farebox-balance").getAttribute("state"), "loading");
      assertEquals(await page.getByText("$10.00").count(), 0);
    }),
);
