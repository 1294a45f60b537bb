import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Page } from "playwright-core";
import { formatBalance, formatCost } from "../../../web/elements/money_text.ts";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { startAppProject } from "./app_project.ts";

const stack = await startTestStack();
const app = await startAppProject(["react.tsx", "vue.ts"]);
Deno.test.afterAll(async () => {
  await app.close();
  await stack.stop();
});

/** Opens the framework's page and signs somebody new up. */
async function open(framework: string, test: (page: Page) => Promise<void>): Promise<void> {
  await withPage(app, { alsoAsks: [stack.url] }, async (page) => {
    const settings = new URLSearchParams({ url: stack.url, key: stack.details.publishableKey });
    await page.goto(`${app.url}/${framework}.html?${settings}`);
    await page.getByRole("button", { name: "Create an account" }).click();
    await amount(page).getByText("$10.00").waitFor();
    await test(page);
  });
}

const amount = (page: Page) => page.locator('farebox-balance [part="amount"]');
const listeners = (page: Page) => page.evaluate<number>("listenersOfClient()");
const waiting = (page: Page) =>
  page.evaluate<number>('globalThis[Symbol.for("farebox.registry")].listeners.size');

/** What was charged to the one user whose request is the latest. */
async function latestCharge(): Promise<{ cost: string; balance: string }> {
  const [row] = await stack.sql`
    select u.cost::text as cost, b.balance::text as balance
    from public.usage_records u join public.user_balances b using (user_id)
    order by u.created_at desc limit 1`;
  return { cost: row!.cost, balance: row!.balance };
}

for (const framework of ["react", "vue"]) {
  browserTest(
    `in ${framework} the balance falls by what an answer cost, and the chat's cost is that`,
    () =>
      open(framework, async (page) => {
        await page.getByRole("button", { name: "Ask" }).click();
        await amount(page).filter({ hasNotText: "$10.00" }).waitFor();
        const charged = await latestCharge();
        await amount(page).getByText(formatBalance(charged.balance)).waitFor();
        await page.locator("farebox-chat-cost").getByText(formatCost(charged.cost)).first()
          .waitFor();
        assert((await page.getByTestId("answer").innerText()).length > 0);
      }),
  );

  browserTest(
    `in ${framework} a changed property changes the element, and its event reaches a handler`,
    () =>
      open(framework, async (page) => {
        const balance = page.locator("farebox-balance");
        assertEquals(await balance.getAttribute("state"), "normal");
        await page.getByRole("button", { name: "Warn earlier" }).click();
        await balance.getByRole("button", { name: "Add credits" }).click();
        assertEquals(await balance.getAttribute("state"), "warning");
        await page.locator("output").getByText("add credits: user", { exact: true }).waitFor();
      }),
  );

  browserTest(
    `in ${framework} elements that are taken away leave no listener, and come back`,
    () =>
      open(framework, async (page) => {
        const before = await listeners(page);
        assert(before > 0);
        await page.getByRole("button", { name: "Hide" }).click();
        await until("no listener", async () => await listeners(page) === 0);
        assertEquals(await waiting(page), 0);
        await page.getByRole("button", { name: "Show" }).click();
        await amount(page).getByText("$10.00").waitFor();
        assertEquals(await listeners(page), before);
      }),
  );
}

Deno.test("the types of the package hold a React page and a Vue page, and what is wrong in JSX is said", async () => {
  await app.check("react.tsx", "vue.ts");
  await assertRejects(() => app.check("react_wrong.tsx"), Error, "Property 'nonsense'");
});
