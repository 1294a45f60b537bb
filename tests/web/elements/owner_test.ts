/** For whoever signs in next: nothing of the one before is shown, whatever happens meanwhile. */
import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { serveElements } from "./serve_elements.ts";

const served = await serveElements();
Deno.test.afterAll(() => served.close());

const tokens = { input: 8, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 101 };
const COSTS = { chat_id: "c", requests: 1, tokens, cost: "7.77", messages: [] };
const RECEIPT = {
  request_id: "r",
  chat_id: "c",
  model: "openai:gpt-4o",
  basis: "reported",
  price_version: null,
  price_effective_from: null,
  tier: "standard",
  service_tier: null,
  flags: null,
  markup_basis_points: 0,
  lines: [{ class: "input", tokens: 8, price_per_1k: "0.0025", cost: "7.77" }],
  request_fee: "0",
  cost: "7.77",
  collected: "7.77",
  uncollected: "0",
  balance_before: null,
  balance_after: null,
  created_at: "2026-11-22T10:00:00Z",
  correction: null,
  refunds: [],
};
const TAGS = ["farebox-balance", "farebox-chat-cost", "farebox-receipt"];

/** All that shows money, with Ann's in it. */
async function showAnns(page: Page): Promise<void> {
  await page.goto(served.url);
  await page.evaluate(`
    web.defineFareboxElements();
    for (const tag of ${JSON.stringify(TAGS)}) add(tag, { "chat-id": "c", "request-id": "r" });
    fake.tellOwner("ann");
    fake.tellUser("7.77");
    for (const { name, resolve } of fake.calls) {
      if (name === "chatCost") resolve(${JSON.stringify(COSTS)});
      if (name === "receipt") resolve(${JSON.stringify(RECEIPT)});
    }
    globalThis.elements = [...document.querySelector("main").children];
  `);
  assertEquals(await shown(page), { states: ["normal", "ready", "ready"], money: 3 });
}

/** The states, and how many of the elements say Ann's figure. */
const shown = (page: Page) =>
  page.evaluate<{ states: string[]; money: number }>(`({
    states: elements.map((element) => element.state),
    money: elements.filter(({ shadowRoot }) => shadowRoot.textContent.includes("7.77")).length,
  })`);

const LOADING = { states: ["loading", "loading", "loading"], money: 0 };

browserTest(
  "at a change of who is signed in all loads anew, with no guest in between, and the same one again changes nothing",
  () =>
    withPage(served, {}, async (page) => {
      await showAnns(page);
      await page.evaluate(`fake.tellOwner("ann")`);
      assertEquals((await shown(page)).money, 3);
      await page.evaluate(`fake.tellOwner("bob")`);
      assertEquals(await shown(page), LOADING);
    }),
);

browserTest(
  "what cannot be loaded for the next one is a failure, not the figure of the one before",
  () =>
    withPage(served, {}, async (page) => {
      await showAnns(page);
      await page.evaluate(`
        fake.calls.length = 0;
        fake.tellOwner("bob");
        fake.tellUser("1.23");
        for (const { reject } of fake.calls) reject(refusal("LEDGER_UNAVAILABLE"));
      `);
      assertEquals(await shown(page), { states: ["normal", "error", "error"], money: 0 });
    }),
);

browserTest(
  "an element that was out of the page while somebody else signed in forgets all as it hears of it",
  () =>
    withPage(served, {}, async (page) => {
      await showAnns(page);
      await page.evaluate(`
        for (const element of elements) element.remove();
        fake.tellOwner("bob");
        document.querySelector("main").append(...elements);
        fake.tellOwner("bob");
      `);
      assertEquals(await shown(page), LOADING);
    }),
);

browserTest(
  "another client's figures are never the ones of the client before",
  () =>
    withPage(served, {}, async (page) => {
      await showAnns(page);
      await page.evaluate(`for (const element of elements) element.farebox = { ...fake }`);
      assertEquals(await shown(page), LOADING);
    }),
);

browserTest(
  "a client without news of who is signed in is shown all the same",
  () =>
    withPage(served, {}, async (page) => {
      await showAnns(page);
      await page.evaluate(`
        for (const element of elements) element.farebox = { ...fake, onOwner: undefined };
        fake.tellUser("1.23");
      `);
      assertEquals((await shown(page)).states[0], "normal");
    }),
);
