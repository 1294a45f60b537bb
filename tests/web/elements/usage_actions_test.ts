/** What can be done with `<farebox-usage>`: typing days, pressing bars, paging, exporting. */
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { until } from "../../support/until.ts";
import { openWithFake } from "./usage_fake.ts";
import { serveUsage, showUsage, untilReady } from "./usage_harness.ts";

// Nothing is asked of a stack here: the client is a fake.
const site = await serveUsage({ url: "http://127.0.0.1:9" });
Deno.test.afterAll(() => site.close());

const usage = (page: Page) => page.locator("farebox-usage");
const button = (page: Page, name: string | RegExp) => usage(page).getByRole("button", { name });
const rows = (page: Page) => usage(page).locator(".requests tbody tr");
const chips = (page: Page) => button(page, /^Remove the filter/);

browserTest(
  "dates that are being typed stay as they are when an answer comes",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 9, days: 3 });
      await showUsage(page);
      await untilReady(page);
      await button(page, "Custom").click();
      await page.evaluate("globalThis.held = []");
      await usage(page).getByLabel("From").fill("2026-01-20");
      await usage(page).getByLabel("To", { exact: true }).fill("2026-01-01");
      const problem = usage(page).getByText("The first day must not be after the last.");
      await problem.waitFor();
      await page.evaluate("held.forEach(({ resolve }) => resolve())");
      await untilReady(page);
      assertEquals(await usage(page).getByLabel("To", { exact: true }).inputValue(), "2026-01-01");
      assert(await problem.isVisible());
      await button(page, "30 days").click();
      await problem.waitFor({ state: "hidden" });
      assertEquals(await button(page, "30 days").getAttribute("aria-pressed"), "true");
    }),
);

browserTest(
  "450 requests are listed page by page, each once, with the focus kept",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 450, days: 20 });
      await showUsage(page);
      await untilReady(page);
      await button(page, "Show more").focus();
      for (let shown = 100; shown <= 450; shown += 50) {
        await page.keyboard.press("Enter");
        await until(`${shown} rows`, async () => await rows(page).count() === shown);
      }
      const ids = await page.evaluate<string[]>(
        `[...document.querySelector("farebox-usage").shadowRoot.querySelectorAll("[data-request-id]")]
        .map((row) => row.dataset.requestId)`,
      );
      assertEquals(new Set(ids).size, 450);
      assertEquals(await button(page, "Show more").count(), 0);
      assertEquals(
        await page.evaluate<string>(
          `document.activeElement.shadowRoot.activeElement.closest("tr").dataset.requestId`,
        ),
        ids[400],
        "the first that was new",
      );
    }),
);

browserTest(
  "an export tells how far it is, and can be cancelled: then there is no file",
  () =>
    withPage(site, {}, async (page) => {
      let downloads = 0;
      page.on("download", () => downloads++);
      await openWithFake(page, site, { count: 450, days: 20 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate("globalThis.held = []");
      const answerNext = async (name: string) => {
        await until(`${name} to be asked`, () => page.evaluate<boolean>("held.length > 0"));
        assertEquals(await page.evaluate<string>("held[0].name"), name);
        await page.evaluate("held.shift().resolve()");
      };
      await button(page, "Export CSV").click();
      await answerNext("usageSummary");
      await answerNext("usage");
      await usage(page).getByText("200 of 450").waitFor();
      await button(page, "Cancel").click();
      await usage(page).getByText("Export cancelled.").waitFor();
      await answerNext("usage");
      await button(page, "Export CSV").waitFor();
      assertEquals(await page.evaluate<number>("held.length"), 0, "nothing more is asked");

      await page.evaluate("globalThis.held = null");
      const downloading = page.waitForEvent("download");
      await button(page, "Export CSV").click();
      await (await downloading).path();
      await usage(page).getByText("450 rows exported.").waitFor();
      assertEquals(downloads, 1);
    }),
);

browserTest(
  "a bar that is pressed filters by its day or model, and pressed again no more",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 90, days: 30 });
      await showUsage(page);
      await untilReady(page);
      const press = async (chart: number, at: { x: number; y: number }) => {
        const canvas = usage(page).locator("canvas").nth(chart);
        await canvas.waitFor();
        const { width, height } = (await canvas.boundingBox())!;
        await canvas.click({ position: { x: at.x * width, y: at.y * height } });
      };
      await press(1, { x: 0.4, y: 0.2 });
      await chips(page).waitFor();
      assertEquals(
        await usage(page).getByLabel("Model", { exact: true }).inputValue(),
        "fake:model-0",
      );
      await until("its rows", async () => await rows(page).count() === 30);
      await press(0, { x: 0.5, y: 0.7 });
      await until("one chip more", async () => await chips(page).count() === 2);
      await until("one row", async () => await rows(page).count() === 1);
      await press(1, { x: 0.4, y: 0.2 });
      await until("one chip less", async () => await chips(page).count() === 1);
      await until("that day's", async () => await rows(page).count() === 3);
      await chips(page).click();
      await until("all", async () => await rows(page).count() === 50);
      assertEquals(await chips(page).count(), 0);
    }),
);

browserTest(
  "a page that takes `farebox-receipt` on itself gets the request, and no dialog opens",
  () =>
    withPage(site, {}, async (page) => {
      await openWithFake(page, site, { count: 1, days: 1 });
      await showUsage(page);
      await untilReady(page);
      await page.evaluate(`addEventListener("farebox-receipt", (event) => {
      event.preventDefault();
      globalThis.wanted = event.detail.requestId;
    })`);
      await button(page, /^Receipt of/).click();
      assertEquals(
        await page.evaluate<string>("wanted"),
        await rows(page).first().getAttribute("data-request-id"),
      );
      assertEquals(await page.getByRole("dialog").count(), 0);
    }),
);
