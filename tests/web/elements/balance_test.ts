/** For users: they always see what they have left, and hear of it before it is used up. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { serveElements } from "./serve_elements.ts";
import { violations } from "./violations.ts";

const stack = await startTestStack();
const served = await serveElements(stack);
Deno.test.afterAll(async () => {
  await served.close();
  await stack.stop();
});

async function show(page: Page, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
  await page.goto(served.url);
  await page.evaluate(`
    web.defineFareboxElements();
    add("farebox-balance", ${JSON.stringify(attributes)});
  `);
}

const balance = (page: Page) => page.locator("farebox-balance");
const amount = (page: Page) => page.locator("farebox-balance [part=amount]");
const status = (page: Page) => page.locator("farebox-balance [role=status]");

browserTest(
  "the state changes exactly below a threshold, not at it",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      const states: Record<string, string | null> = {};
      const amounts = [
        "1.0000000000",
        "0.9999999999",
        "0.1000000000",
        "0.0999999999",
        "0",
        "-0.0000000001",
        "1",
      ];
      for (const usd of amounts) {
        await page.evaluate(`fake.tellUser("${usd}")`);
        states[usd] = await balance(page).getAttribute("state");
      }
      assertEquals(states, {
        "1.0000000000": "normal",
        "0.9999999999": "warning",
        "0.1000000000": "warning",
        "0.0999999999": "critical",
        "0": "critical",
        "-0.0000000001": "critical",
        "1": "normal",
      });
    }),
);

browserTest(
  "thresholds are the page's to set, change at once, and fall back when they are no numbers",
  () =>
    withPage(served, {}, async (page) => {
      await show(page, { warning: "20.0000000001", critical: "5" });
      await page.evaluate(`fake.tellUser("20")`);
      assertEquals(await balance(page).getAttribute("state"), "warning");
      await page.evaluate(`document.querySelector("farebox-balance").warning = "20"`);
      assertEquals(await balance(page).getAttribute("state"), "normal");
      await page.evaluate(`document.querySelector("farebox-balance").critical = 20.5`);
      assertEquals(await balance(page).getAttribute("state"), "critical");
      await page.evaluate(`
      const element = document.querySelector("farebox-balance");
      element.setAttribute("critical", "much");
      element.warning = null;
    `);
      assertEquals(await balance(page).getAttribute("state"), "normal");
    }),
);

browserTest(
  "the figure is rounded down; its title and screen readers have every digit",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await page.evaluate(`fake.tellUser("9.9989712345")`);
      assertEquals(await amount(page).textContent(), "$9.9989");
      assertEquals(await amount(page).getAttribute("title"), "$9.9989712345");
      const tree = await balance(page).ariaSnapshot();
      assertStringIncludes(tree, "Balance: $9.9989, to the last digit $9.9989712345");
    }),
);

browserTest(
  "what running answers hold is told while they hold it",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      const note = page.locator("farebox-balance [part=note]");
      await page.evaluate(`fake.tellUser("9", { reserved: "0.02", available: "8.98" })`);
      assertEquals(await note.textContent(), "$0.02 held for running answers");
      await page.evaluate(`fake.tellUser("9", { reserved: null, available: null })`);
      assertEquals(await note.isVisible(), false);
      await page.evaluate(`fake.tellUser("9", { reserved: "0" })`);
      assertEquals(await note.isVisible(), false);
    }),
);

browserTest(
  "a screen reader hears of a change of state, and of no charge",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      const heard: (string | null)[] = [];
      for (const usd of ["5", "4.5", "0.9", "0.8", "0.05", "0", "10"]) {
        await page.evaluate(`fake.tellUser("${usd}")`);
        heard.push(await status(page).textContent());
      }
      assertEquals(heard, [
        "",
        "",
        "Balance is low: $0.90",
        "Balance is low: $0.90",
        "Balance almost used up: $0.05",
        "Balance almost used up: $0.05",
        "Balance: $10.00",
      ]);
      assertEquals(await page.locator("farebox-balance [aria-live=assertive]").count(), 0);
    }),
);

const RUNNING = `document.querySelector("farebox-balance").shadowRoot
  .querySelector("[part=amount]").getAnimations().length`;

for (const reducedMotion of [false, true]) {
  browserTest(
    reducedMotion
      ? "where less motion is wished for, a fall of the balance moves nothing"
      : "each fall of the balance is highlighted, and a rise is not",
    () =>
      withPage(served, { reducedMotion }, async (page) => {
        await show(page);
        const moving: number[] = [];
        for (const usd of ["5", "6", "5.9", "5.8"]) {
          await page.evaluate(`fake.tellUser("${usd}")`);
          moving.push(await page.evaluate<number>(RUNNING));
        }
        assertEquals(moving, reducedMotion ? [0, 0, 0, 0] : [0, 0, 1, 2]);
      }),
  );
}

browserTest(
  "credits can be added at a low balance, by keyboard too, and the page is told which",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      const button = page.getByRole("button", { name: "Add credits" });
      await page.evaluate(`fake.tellUser("5")`);
      assertEquals(await button.isVisible(), false);
      await page.evaluate(`fake.tellUser("0.5")`);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.evaluate(`fake.tellUser("0.01")`);
      await button.click();
      assertEquals(
        await page.evaluate("told.map(([name, { balance }]) => [name, balance.balance])"),
        [["farebox-add-credits", "0.5"], ["farebox-add-credits", "0.01"]],
      );
    }),
);

browserTest(
  "a page's own way to add credits takes the button's place, at a low balance only",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await page.evaluate(`
      const link = document.createElement("a");
      link.slot = "add-credits";
      link.href = "#shop";
      link.textContent = "To the shop";
      document.querySelector("farebox-balance").append(link);
      fake.tellUser("5");
    `);
      const link = page.getByRole("link", { name: "To the shop" });
      assertEquals(await link.isVisible(), false);
      await page.evaluate(`fake.tellUser("0.5")`);
      assertEquals(await link.isVisible(), true);
      assertEquals(await page.getByRole("button", { name: "Add credits" }).isVisible(), false);
    }),
);

browserTest(
  "guests see how many free messages are left, and the way to an account",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await page.evaluate("fake.tellGuest(2)");
      assertEquals(await balance(page).getAttribute("state"), "guest");
      assertEquals(await amount(page).textContent(), "2 of 3 free messages left");
      assertEquals(await page.getByRole("button", { name: "Add credits" }).isVisible(), false);
      await page.getByRole("button", { name: "Sign up" }).click();
      assertEquals(await page.evaluate("told.map(([name]) => name)"), ["farebox-sign-up"]);
      await page.evaluate(`fake.tellGuest(0, 3, "2026-11-23T10:00:00Z")`);
      assertEquals(await amount(page).textContent(), "No free messages left");
      assertStringIncludes(
        await page.locator("farebox-balance [part=note]").innerText(),
        "More from Nov 23, 2026",
      );
    }),
);

browserTest(
  "a balance that cannot be loaded says so, and is asked for again on demand",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      assertEquals(await balance(page).getAttribute("state"), "loading");
      await until("it asks", () => page.evaluate<boolean>("fake.calls.length === 1"));
      await page.evaluate(`fake.calls[0].reject(new Error("away"))`);
      await page.getByRole("alert").getByText("could not be loaded").waitFor();
      assertEquals(await balance(page).getAttribute("state"), "error");
      await page.getByRole("button", { name: "Try again" }).click();
      assertEquals(await balance(page).getAttribute("state"), "loading");
      await page.evaluate(`fake.tellUser("3")`);
      assertEquals(await balance(page).getAttribute("state"), "normal");
    }),
);

for (const colorScheme of ["light", "dark"] as const) {
  browserTest(
    `axe finds nothing in any state of a balance, ${colorScheme}`,
    () =>
      withPage(served, { colorScheme, bypassCsp: true, reducedMotion: true }, async (page) => {
        await show(page);
        const states: Readonly<Record<string, string>> = {
          loading: "",
          normal: `fake.tellUser("9.9989712345", { reserved: "0.02" })`,
          warning: `fake.tellUser("0.9989712345")`,
          critical: `fake.tellUser("0.0512345")`,
          guest: "fake.tellGuest(2)",
          "used up": `fake.tellGuest(0, 3, "2026-11-23T10:00:00Z")`,
        };
        const found: string[] = [];
        for (const [state, tell] of Object.entries(states)) {
          await page.evaluate(tell);
          found.push(...(await violations(page)).map((line) => `${state}: ${line}`));
        }
        assertEquals(found, []);
      }),
  );
}

browserTest(
  "with the real client, an answer's cost leaves the balance that is shown",
  () =>
    withPage(served, {}, async (page) => {
      await page.goto(served.url);
      const { publishableKey } = stack.details;
      await page.evaluate(`(async () => {
      const url = location.origin;
      const supabase = web.createClient(url, "${publishableKey}");
      const farebox = web.createFarebox({
        supabase, url, publishableKey: "${publishableKey}", realtime: false,
      });
      globalThis.farebox = farebox;
      web.defineFareboxElements();
      web.provideFarebox(farebox);
      add("farebox-balance", {}, null);
      add("farebox-chat-cost", { "chat-id": "chat-1" }, null);
      const { error } = await supabase.auth.signUp({
        email: crypto.randomUUID() + "@example.com", password: crypto.randomUUID(),
      });
      if (error) throw error;
    })()`);
      await page.locator("farebox-balance [title='$10.00']").waitFor();
      const cost = await page.evaluate<{ cost: string; balance: string; request_id: string }>(
        `(async () => {
      const messages = [{ role: "user", content: "Say hello" }];
      const answer = farebox.streamChat({ model: "openai:gpt-4o", messages }, { chatId: "chat-1" });
      for await (const event of answer) if (event.type === "cost") return event.cost;
    })()`,
      );
      await page.locator(`farebox-balance [title='$${cost.balance}']`).waitFor();
      await page.locator("farebox-chat-cost [part=total]").getByText(`$${cost.cost}`, {
        exact: true,
      })
        .waitFor();
      await page.evaluate(`add("farebox-receipt", { "request-id": "${cost.request_id}" }, null)`);
      const total = page.locator("farebox-receipt [data-row=total] td").last();
      await total.waitFor();
      assertEquals(await total.textContent(), `$${cost.cost}`);
    }),
);
