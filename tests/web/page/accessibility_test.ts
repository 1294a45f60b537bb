/** For everybody: axe finds nothing on any screen in either theme, and the keyboard alone is enough. */
import { assertEquals } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answers,
  askToTheEnd,
  button,
  chatLinks,
  composer,
  dialog,
  ordering,
  problem,
  signUp,
  untilState,
  visit,
} from "./page_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** What axe has to say about what is shown, in a line for each element. */
async function violations(page: Page): Promise<string[]> {
  if (!await page.evaluate("'axe' in globalThis")) await page.evaluate(axe.source);
  // A text that fades in has no contrast yet. One whose element goes away meanwhile rejects.
  await page.evaluate(`Promise.allSettled(
    document.getAnimations()
      .filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime))
      .map(({ finished }) => finished)
  ).then(() => null)`);
  const found: { id: string; nodes: { target: unknown; failureSummary: string }[] }[] = await page
    .evaluate("axe.run().then(({ violations }) => violations)");
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${JSON.stringify(target)} ${failureSummary}`)
  );
}

for (const colorScheme of ["light", "dark"] as const) {
  browserTest(
    `axe finds no violation on any screen, ${colorScheme}`,
    () =>
      withPage(stack, { colorScheme, expectsStatus: [402] }, async (page) => {
        const found: string[] = [];
        const look = async (screen: string) => {
          found.push(...(await violations(page)).map((line) => `${screen}: ${line}`));
        };
        await visit(stack, page);
        await look("start");
        await button(page, "Sign up").first().click();
        await page.getByRole("dialog").waitFor();
        await look("sign-up form");
        await button(page, "Sign in instead").click();
        await look("sign-in form");
        await signUp(stack, page);
        await look("empty chat");
        const text = "# Title\n\nText, [a link](https://example.com), `code`.\n\n- one\n\n" +
          "| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet x;\n```\n> quote\n";
        const { answer } = await askToTheEnd(page, "Show me", { text });
        await look("chat");
        await button(answer, "Why this price?").click();
        await dialog(page, "Receipt").locator("farebox-receipt").getByRole("table").waitFor();
        await look("receipt");
        await page.keyboard.press("Escape");
        await page.route("**/chat/completions", (route) =>
          route.fulfill({
            status: 402,
            headers: { "x-request-id": crypto.randomUUID() },
            json: { code: "INSUFFICIENT_BALANCE", message: "Nothing is left.", balance: 0 },
          }));
        await composer(page).fill("More");
        await button(page, "Send").click();
        await problem(page, "INSUFFICIENT_BALANCE").waitFor();
        await look("problem");
        await button(problem(page, "INSUFFICIENT_BALANCE"), "Add credits").click();
        await dialog(page, "Add credits").waitFor();
        await look("add credits");
        await page.keyboard.press("Escape");
        await page.getByRole("link", { name: "Usage" }).click();
        await page.locator("farebox-usage").getByRole("table").last().waitFor();
        await look("usage");
        assertEquals(found, []);
      }),
  );

  browserTest(
    `axe finds no violation on a phone, its menu open, ${colorScheme}`,
    () =>
      withPage(stack, { colorScheme, phone: true }, async (page) => {
        await signUp(stack, page);
        await askToTheEnd(page, "Hello");
        assertEquals(await violations(page), []);
        await button(page, "Menu").click();
        await chatLinks(page).first().waitFor();
        assertEquals(await button(page, "Menu").getAttribute("aria-expanded"), "true");
        assertEquals(await violations(page), []);
        await page.keyboard.press("Escape");
        await chatLinks(page).first().waitFor({ state: "hidden" });
      }),
  );
}

/** Goes on with Tab until the focus is on what is looked for. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const seen: string[] = [];
  for (let steps = 0; steps < 60; steps++) {
    const focused: string = await page.evaluate(`(() => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      const label = at?.labels?.[0]?.textContent ?? "";
      return [at?.getAttribute("aria-label") ?? "", label, at?.textContent ?? ""].join("|");
    })()`);
    if (focused.split("|").some((part) => name.test(part.trim()))) return;
    seen.push(focused.slice(0, 60));
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${name}; it led to ${seen.join(" → ")}`);
}

browserTest(
  "without a mouse: sign up, ask, stop, open the receipt and close it",
  () =>
    withPage(stack, {}, async (page) => {
      const { keyboard } = page;
      await visit(stack, page);
      await tabTo(page, /^Sign up$/);
      await keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      await tabTo(page, /^E-mail/);
      await keyboard.type(`${crypto.randomUUID()}@example.com`);
      await tabTo(page, /^Password/);
      await keyboard.type("correct horse battery");
      await keyboard.press("Enter");
      await composer(page).waitFor();
      await tabTo(page, /^Message/);
      await keyboard.insertText(ordering("A story", { output_tokens: 600, token_ms: 10 }));
      await keyboard.press("Enter");
      await until(
        "some text",
        async () =>
          await answers(page).count() === 1 && (await answers(page).innerText()).length > 200,
      );
      await tabTo(page, /^Stop$/);
      await keyboard.press("Enter");
      await untilState(answers(page), "stopped");
      await button(answers(page), "Why this price?").waitFor();
      await page.evaluate("document.activeElement?.blur()");
      await tabTo(page, /^Why this price\?$/);
      await keyboard.press("Enter");
      await dialog(page, "Receipt").waitFor();
      await keyboard.press("Escape");
      await dialog(page, "Receipt").waitFor({ state: "hidden" });
      const focused: string = await page.evaluate("document.activeElement?.textContent ?? ''");
      assertEquals(focused, "Why this price?", "the focus is back where it was");
    }),
);
