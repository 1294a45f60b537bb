/** `<farebox-usage>` when answers are late or refused, and when others look or ask. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { until } from "../../support/until.ts";
import { openWithFake } from "./usage_fake.ts";
import { serveUsage, showUsage, untilReady } from "./usage_harness.ts";
import { violations } from "./violations.ts";

// Nothing is asked of a stack here: the client is a fake.
const site = await serveUsage({ url: "http://127.0.0.1:9" });
Deno.test.afterAll(() => site.close());

const usage = (page: Page) => page.locator("farebox-usage");
const button = (page: Page, name: string | RegExp) => usage(page).getByRole("button", { name });
const total = (page: Page) => usage(page).locator('[data-figure="cost"] dd').textContent();
const rows = (page: Page) => usage(page).locator(".requests tbody tr");
const chips = (page: Page) => button(page, /^Remove the filter/);

browserTest(
  "Chart.js is loaded when the element is in a page, and not before",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 3, days: 2 });
      const isChart = (path: string) => path.includes("usage_charts");
      assertEquals(site.scripts.filter(isChart), []);
      await showUsage(page);
      await untilReady(page);
      await usage(page).locator("canvas").first().waitFor();
      assertEquals(site.scripts.filter(isChart).length, 1, "one chunk for both charts");
      assert(
        !site.scripts.some((path) => path.includes("usage_csv")),
        "and none for what nobody asked",
      );
      assertMatch(
        await usage(page).getByRole("img").first().getAttribute("aria-label") ?? "",
        /^Bars of the spending by day, .*\$0\.03 on 2 of 30 days; most on/,
      );
    }),
);

browserTest(
  "of two ranges the one chosen last is shown, whichever is answered last",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 60, days: 60 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate("globalThis.held = []");
      await button(page, "7 days").click();
      await button(page, "90 days").click();
      await until("all to be asked", () => page.evaluate<boolean>("held.length === 6"));
      await page.evaluate("held.slice(3).forEach(({ resolve }) => resolve())");
      await until("the sum of 90 days", async () => await total(page) === "$0.60");
      await page.evaluate(
        "(async () => { held.slice(0, 3).forEach(({ resolve }) => resolve()); " +
          "await new Promise((resolve) => setTimeout(resolve)); })()",
      );
      assertEquals(await total(page), "$0.60");
      assertEquals(await rows(page).count(), 50);
      assertEquals(await button(page, "90 days").getAttribute("aria-pressed"), "true");
    }),
);

browserTest(
  "what cannot be loaded is said, and loaded when it is tried again",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 3, days: 2 });
      await page.evaluate("globalThis.refusal = 'NETWORK_ERROR'");
      await showUsage(page);
      await usage(page).getByRole("alert").filter({ hasText: "The sums could not" }).waitFor();
      await usage(page).getByRole("alert").filter({ hasText: "The requests could not" }).waitFor();
      assertEquals(await violations(page), []);
      await page.evaluate("globalThis.refusal = null");
      await button(page, "Try again").first().click();
      await untilReady(page);
      assertEquals([await total(page), await rows(page).count()], ["$0.03", 3]);
      assertEquals(await usage(page).getByRole("alert").count(), 0);
    }),
);

browserTest(
  "a guest is told to sign in, and an empty range that nothing was spent",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 0, days: 1 });
      await page.evaluate("globalThis.refusal = 'FORBIDDEN'");
      await showUsage(page);
      await usage(page).getByText("Sign in to see usage.").waitFor();
      assertEquals(await usage(page).getByRole("tab").count(), 0);
      await page.evaluate("globalThis.refusal = null; tellOwner(null); tellOwner('ann')");
      await usage(page).getByText("Nothing spent in these days.").waitFor();
      assertEquals(await total(page), "$0.00");
      assertEquals(await violations(page), []);
    }),
);

browserTest(
  "a charge is shown soon after it is made, above those that were loaded before",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 120, days: 3 });
      await showUsage(page);
      await untilReady(page);
      await button(page, "Show more").click();
      await until("two pages", async () => await rows(page).count() === 100);
      await page.evaluate("spend()");
      await until("the new sum", async () => await total(page) === "$1.21");
      await until("the new row", async () => await rows(page).count() === 101);
      assertMatch(await rows(page).first().innerText(), /fake:new/);
    }),
);

browserTest(
  "charts are drawn anew in the colours of a theme that is chosen",
  () =>
    withPage(site, { reducedMotion: true }, async (page) => {
      await openWithFake(page, site, { count: 30, days: 10 });
      await showUsage(page);
      await untilReady(page);
      await usage(page).locator("canvas").first().waitFor();
      const drawn = () =>
        page.evaluate<string>(
          `document.querySelector("farebox-usage").shadowRoot.querySelector("canvas").toDataURL()`,
        );
      const light = await drawn();
      await page.evaluate(`document.documentElement.dataset.theme = "dark"`);
      await until("other colours", async () => await drawn() !== light);
      const dark = await drawn();
      await page.evaluate(`document.documentElement.dataset.theme = "light"`);
      await until("the first ones", async () => await drawn() === light);
      await page.evaluate(`delete document.documentElement.dataset.theme`);
      await page.emulateMedia({ colorScheme: "dark" });
      await until("the system's dark", async () => await drawn() === dark);
    }),
);

browserTest(
  "without the chunk of the charts their figures are shown as tables",
  () =>
    withPage(site, { expectsConsoleErrors: [/usage_charts/] }, async (page) => {
      await page.route(/usage_charts/, (route) => route.abort());
      await openWithFake(page, site, { count: 6, days: 2 });
      await showUsage(page);
      await untilReady(page);
      const table = usage(page).getByRole("table", { name: "Spending by model" });
      await until("to be seen", async () => (await table.boundingBox())!.height > 40);
      assertEquals(await violations(page), []);
    }),
);

browserTest(
  "filters go with the one who chose them, and rows where there is no client any more",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 9, days: 3 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate("tellOwner('ann')");
      await usage(page).getByLabel("Model", { exact: true }).selectOption("fake:model-1");
      await chips(page).waitFor();
      await page.evaluate("charges(2, 1); tellOwner('ben')");
      await until("the next one's", async () => await total(page) === "$0.02");
      assertEquals(await chips(page).count(), 0);
      await until("two rows", async () => await rows(page).count() === 2);
      await page.evaluate("web.provideFarebox(null)");
      assertEquals(await rows(page).count(), 0);
      assertNotEquals(await total(page), "$0.02");
    }),
);
