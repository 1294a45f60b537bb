/** Impatient and busy people: one question is one request, and tabs do not lose each other's answers. */
import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { answerThatIs, assertCharges, chatRequests, newPerson, say } from "./bad_harness.ts";
import {
  answers,
  button,
  composer,
  costUnder,
  ordering,
  questions,
  signIn,
} from "./page_harness.ts";

const CLICK_AND_ENTER = `(() => {
  const field = document.querySelector("textarea");
  document.querySelector('button[aria-label="Send"]').click();
  const enter = { key: "Enter", bubbles: true, cancelable: true };
  field.dispatchEvent(new KeyboardEvent("keydown", enter));
})()`;

/** The other tab may begin between the look at the button and the click on it: then it is asleep. */
async function sendOnceAwake(tab: Page): Promise<void> {
  await until("what is typed to be sent", async () => {
    await button(tab, "Send").click({ timeout: 1_000 }).catch(() => {});
    return await composer(tab).inputValue() === "";
  });
}

/** Tests on this stack, which the caller stops. */
export function sendTests(stack: TestStack): void {
  const impatience: [what: string, act: (page: Page) => Promise<unknown>][] = [
    ["a double click on Send", (page) => button(page, "Send").dblclick()],
    // As fast as a browser gives them.
    [
      "Enter twice",
      (page) => Promise.all([page.keyboard.press("Enter"), page.keyboard.press("Enter")]),
    ],
    ["a click and Enter at once", (page) => page.evaluate(CLICK_AND_ENTER)],
  ];
  browserTest(
    "a double click on Send, Enter twice, or both at once, is one request and one charge",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const sent = chatRequests(page);
        for (const [index, [what, act]] of impatience.entries()) {
          await composer(page).fill(what);
          await act(page);
          await until(
            `an answer to ${what}`,
            async () => await answers(page).count() === index + 1,
          );
          await answerThatIs(page, "complete");
          const counts = [sent.count, await questions(page).count(), await answers(page).count()];
          assertEquals(counts, [index + 1, index + 1, index + 1], what);
          await assertCharges(stack, person, index + 1);
        }
      }),
  );

  browserTest(
    "while an answer streams nothing is sent by Enter, and what is typed stays",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const sent = chatRequests(page);
        await say(
          page,
          ordering("Slowly", { output_tokens: 30, stall_after_tokens: 10, stall_ms: 700 }),
        );
        await answerThatIs(page, "streaming");
        assertEquals(await button(page, "Send").count(), 0);
        await composer(page).fill("The next one");
        await composer(page).press("Enter");
        await answerThatIs(page, "complete");
        assertEquals((await composer(page).inputValue()).trimEnd(), "The next one");
        assertEquals(sent.count, 1);
        await assertCharges(stack, person, 1);
      }),
  );

  browserTest(
    "two tabs that ask in one chat at once: both are charged rightly, and the chat keeps both answers",
    () =>
      withPage(stack, {}, async (page, context) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, "To begin with");
        await answerThatIs(page, "complete");
        await costUnder(answers(page).last());
        const other = await context.newPage();
        await other.goto(page.url());
        await answers(other).waitFor();
        const tabs = [page, other];
        const script = { output_tokens: 30, stall_after_tokens: 10, stall_ms: 800 };
        await composer(page).fill(ordering("Of one tab", script));
        await composer(other).fill(ordering("Of the other tab", script));
        await Promise.all(tabs.map(sendOnceAwake));
        await assertChargesOnceEnded(person.id, 3);
        for (const tab of tabs) {
          await until("both answers in both tabs", async () => await answers(tab).count() === 3);
          await until("no answer to be under way", async () =>
            await tab.locator('[data-testid="answer"][data-state="streaming"]').count() === 0);
        }
        const rows = await stack.sql<{ cost: string }[]>`
        select trim_scale(cost)::text as cost from public.usage_records
        where user_id = ${person.id}`;
        const costs = Array.from(rows, ({ cost }) =>
          `$${cost}`).toSorted();
        await page.reload();
        await until("all of it after a reload", async () =>
          await answers(page).count() === 3);
        const shown = await Promise.all([0, 1, 2].map((n) => costUnder(answers(page).nth(n))));
        assertEquals(shown.toSorted(), costs);
        for (const question of ["Of one tab", "Of the other tab"]) {
          await questions(page).getByText(question).waitFor();
        }
        await assertCharges(stack, person, 3);
      }),
  );

  function assertChargesOnceEnded(userId: string, count: number): Promise<unknown> {
    return until(`${count} charges`, async () => {
      const rows = await stack.sql`select from public.usage_records where user_id = ${userId}`;
      return rows.length === count;
    });
  }
}
