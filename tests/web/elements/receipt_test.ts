/** For whoever asks why: the receipt's lines add up to what was charged, before their eyes. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { sumAmounts } from "../../../web/elements/amount.ts";
import { serveElements } from "./serve_elements.ts";
import { violations } from "./violations.ts";

const served = await serveElements();
Deno.test.afterAll(() => served.close());

const REQUEST = "01a20378-9d1e-7c1a-8b1f-000000000001";
const PLAIN = {
  request_id: REQUEST,
  user_id: "u",
  chat_id: "c",
  provider: "openai",
  model: "openai:gpt-4o",
  basis: "reported",
  finish: "stop",
  provider_request_id: "chatcmpl-1",
  price_version: 42,
  price_effective_from: "2026-11-20T10:00:00Z",
  tier: "standard",
  service_tier: null,
  flags: null,
  markup_basis_points: 0,
  lines: [
    { class: "input", tokens: 8, price_per_1k: "0.0025", cost: "0.00002" },
    { class: "output", tokens: 101, price_per_1k: "0.01", cost: "0.00101" },
  ],
  request_fee: "0",
  cost: "0.00103",
  provider_cost: null,
  collected: "0.00103",
  uncollected: "0",
  balance_before: "10",
  balance_after: "9.99897",
  created_at: "2026-11-22T10:00:00Z",
  correction: null,
  refunds: [],
};
/** All that a receipt may have. */
const RICH = {
  ...PLAIN,
  basis: "estimated",
  tier: "long_context",
  service_tier: "flex",
  flags: ["counted_by_total", "new_flag"],
  markup_basis_points: 1550,
  lines: [
    { class: "cache_read", tokens: 20_000, price_per_1k: "0.00003", cost: "0.0006" },
    { class: "web_search", count: 2, fee: "0.01", cost: "0.02" },
    { class: "output", tokens: 72, price_per_1k: "0.0101", cost: "0.0007272", model: "x:small" },
    { class: "smell", tokens: 1, price_per_1k: "0.0000000003", cost: "0.0000000000003" },
  ],
  request_fee: "0.001",
  cost: "0.0257879161",
  uncollected: "0.002",
  refunds: [{ amount: "0.0005", reason: "Slow answer", created_at: "2026-11-22T12:00:00Z" }],
  correction: {
    cost: "-0.0002",
    collected: "-0.0002",
    uncollected: "0",
    balance_before: "9.5",
    balance_after: "9.5002",
    created_at: "2026-11-22T11:00:00Z",
  },
};

async function show(page: Page, receipt?: unknown): Promise<void> {
  await page.goto(served.url);
  await page.evaluate(`
    web.defineFareboxElements();
    add("farebox-receipt", { "request-id": "${REQUEST}" });
  `);
  if (receipt !== undefined) {
    await page.evaluate(`fake.calls[0].resolve(${JSON.stringify(receipt)})`);
  }
}

const element = (page: Page) => page.locator("farebox-receipt");
const cells = (page: Page, row: string) =>
  page.evaluate<string[][]>(`
    [...document.querySelector("farebox-receipt").shadowRoot.querySelectorAll("${row}")]
      .map((row) => [...row.cells].map((cell) => cell.innerText));
  `);
const amountOf = (shown: string | undefined) => (shown ?? "").replace(/[$,+]/g, "");
const details = (page: Page) => page.locator("farebox-receipt [part=details]").innerText();

browserTest(
  "lines, price version, basis and balances are all there, and add up",
  () =>
    withPage(served, {}, async (page) => {
      await show(page, PLAIN);
      assertEquals(await cells(page, "tbody tr"), [
        ["Input", "8", "$0.0025", "$0.00002"],
        ["Output", "101", "$0.01", "$0.00101"],
      ]);
      assertEquals(await cells(page, "tfoot tr"), [["Total", "", "", "$0.00103"]]);
      const text = await details(page);
      const said = [
        "$10.00",
        "$9.99897",
        "As the provider reported",
        "Version 42, in force since Nov",
      ];
      for (const words of [...said, REQUEST]) assertStringIncludes(text, words);
      assertEquals(/Markup|Refunded|Corrected|Note/.test(text), false);
    }),
);

browserTest(
  "fee, markup and rounding are rows too, so that what is above the total is the total",
  () =>
    withPage(served, {}, async (page) => {
      await show(page, RICH);
      const lines = await cells(page, "tbody tr");
      const [sum, markup, total] = await cells(page, "tfoot tr");
      const shown = lines.map((line) => amountOf(line.at(-1)));
      assertEquals(sumAmounts(shown), amountOf(sum?.at(-1)));
      assertEquals(sumAmounts([sum, markup].map((row) => amountOf(row?.at(-1)))), RICH.cost);
      assertEquals(amountOf(total?.at(-1)), RICH.cost);
      assertEquals(markup?.[0], "Markup of 15.5%");
      assertEquals(lines.map(([name]) => name), [
        "Input, read from the cache",
        "Web searches",
        "Output\nx:small",
        "smell",
        "Fee per request",
      ]);
    }),
);

browserTest(
  "corrections, refunds, what was not taken and what the meter noted are told",
  () =>
    withPage(served, {}, async (page) => {
      await show(page, RICH);
      const text = await details(page);
      const said = [
        "$0.002 of this was not taken",
        "-$0.0002, balance $9.50 to $9.5002",
        "$0.0005 (Slow answer)",
        "Estimated from what was received",
        "for long contexts",
        "15.5%",
        "flex",
        "Counted so that it fits",
        "new_flag",
      ];
      for (const words of said) assertStringIncludes(text, words);
    }),
);

browserTest(
  "a charge that used nothing has a receipt without lines",
  () =>
    withPage(served, {}, async (page) => {
      await show(page, {
        ...PLAIN,
        lines: null,
        cost: "0",
        balance_before: null,
        balance_after: null,
      });
      assertEquals(await cells(page, "table tr:not(thead tr)"), [["Total", "", "", "$0.00"]]);
    }),
);

browserTest("nothing in a receipt is read as markup", () =>
  withPage(served, {}, async (page) => {
    const markup = "<img src=x onerror=alert(1)>";
    const refunds = [{ amount: "1", reason: markup, created_at: markup }];
    await show(page, { ...PLAIN, model: markup, basis: markup, flags: [markup], refunds });
    assertEquals(await page.locator("farebox-receipt img").count(), 0);
    assertStringIncludes(await details(page), `$1.00 (${markup})`);
  }));

browserTest(
  "a request without a charge, a guest, and a failure each say what is the matter",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      assertEquals(await element(page).getAttribute("state"), "loading");
      await page.evaluate(`fake.calls[0].reject(refusal("REQUEST_NOT_FOUND"))`);
      await page.getByText("Nothing was charged for this request").waitFor();
      assertEquals(await element(page).getAttribute("state"), "none");
      await page.getByRole("button", { name: "Look again" }).click();
      await page.evaluate(`fake.calls[1].reject(new TypeError("away"))`);
      await page.getByRole("alert").getByText("could not be loaded").waitFor();
      assertEquals(await element(page).getAttribute("state"), "error");
      await page.getByRole("button", { name: "Try again" }).click();
      await page.evaluate(`fake.calls[2].reject(refusal("FORBIDDEN"))`);
      await page.getByText("Guests pay nothing").waitFor();
      assertEquals(await element(page).getAttribute("state"), "guest");
    }),
);

browserTest(
  "an older request's receipt never overwrites the newer one's",
  () =>
    withPage(served, {}, async (page) => {
      await show(page);
      await page.evaluate(`document.querySelector("farebox-receipt").requestId = "other"`);
      assertEquals(await page.evaluate("fake.calls.map(({ args }) => args[0])"), [
        REQUEST,
        "other",
      ]);
      await page.evaluate(`fake.calls[1].resolve(${JSON.stringify({ ...PLAIN, cost: "2" })})`);
      await page.evaluate(`fake.calls[0].resolve(${JSON.stringify(PLAIN)})`);
      assertEquals(await page.locator("farebox-receipt [part=cost]").textContent(), "$2.00");
    }),
);

browserTest(
  "the request id is copied by a button, which says so",
  () =>
    withPage(served, {}, async (page, context) => {
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await show(page, PLAIN);
      await page.getByRole("button", { name: "Copy the request id" }).click();
      await page.locator("farebox-receipt [role=status]").getByText("Copied").waitFor();
      assertEquals(await page.evaluate("navigator.clipboard.readText()"), REQUEST);
    }),
);

for (const colorScheme of ["light", "dark"] as const) {
  for (const phone of [false, true]) {
    const where = `${colorScheme}${phone ? ", on a phone" : ""}`;
    browserTest(
      `axe finds nothing in any state of a receipt, and nothing sticks out, ${where}`,
      () =>
        withPage(
          served,
          { colorScheme, phone, bypassCsp: true, reducedMotion: true },
          async (page) => {
            const found: string[] = [];
            for (const outcome of ["loading", "resolve", "reject"]) {
              await show(page);
              if (outcome === "resolve") {
                await page.evaluate(`fake.calls[0].resolve(${JSON.stringify(RICH)})`);
              }
              if (outcome === "reject") await page.evaluate(`fake.calls[0].reject(refusal("X"))`);
              found.push(...await violations(page));
              assertEquals(
                await page.evaluate(
                  "document.documentElement.scrollWidth <= document.documentElement.clientWidth",
                ),
                true,
              );
            }
            assertEquals(found, []);
          },
        ),
    );
  }
}
