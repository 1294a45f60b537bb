/** Models that vanish between two questions, or between two visits. */
import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { answerThatIs, assertCharges, charged, newPerson, problem, say } from "./bad_harness.ts";
import { answers, button, composer, modelPicker, questions, signIn } from "./page_harness.ts";

const GONE = "openai:gpt-4o-mini";
const LEFT = "openai:gpt-4o";

const optionsOf = (page: Page) =>
  modelPicker(page).locator("option").evaluateAll((options) =>
    options.map((option) => (option as unknown as { value: string }).value)
  );

/** Tests on this stack, which the caller stops. */
export function modelTests(stack: TestStack): void {
  async function allowingOnly(models: string[], test: () => Promise<void>): Promise<void> {
    await stack.sql`update billing.settings set allowed_models = ${models}`;
    try {
      await test();
    } finally {
      await stack.sql`update billing.settings set allowed_models = null`;
    }
  }

  browserTest(
    "a model that vanishes before its question is sent: another can be chosen from a list without it, and the question goes there",
    () =>
      withPage(stack, { expectsStatus: [403, 404] }, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await modelPicker(page).selectOption(GONE);
        await allowingOnly([LEFT], async () => {
          await say(page, "Who answers?");
          const alert = await problem(page, "MODEL_NOT_ALLOWED");
          await assertCharges(stack, person, 0);
          await button(alert, "Choose another model").click();
          await until("a list without it", async () => {
            const options = await optionsOf(page);
            return options.includes(LEFT) && !options.includes(GONE);
          });
          await modelPicker(page).selectOption(LEFT);
          if (await button(alert, "Try again").isVisible()) {
            await button(alert, "Try again").click();
          } else await button(page, "Send").click();
          await answerThatIs(page, "complete");
          assertEquals([await questions(page).count(), await answers(page).count()], [1, 1]);
          await assertCharges(stack, person, 1);
          assertEquals((await charged(stack, person))[0]!.model_id, "gpt-4o");
        });
      }),
  );

  browserTest(
    "the model of an old chat that is no longer sold: the page says so when the chat is opened, and another answers",
    () =>
      withPage(stack, {}, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await modelPicker(page).selectOption(GONE);
        await say(page, "Who answers?");
        await answerThatIs(page, "complete");
        await allowingOnly([LEFT], async () => {
          // The functions keep the list for some minutes.
          await page.route("**/v1/models", async (route) => {
            const response = await route.fetch();
            const { data }: { data: { id: string }[] } = await response.json();
            await route.fulfill({ response, json: { data: data.filter(({ id }) => id === LEFT) } });
          });
          await page.reload();
          await answers(page).waitFor();
          const alert = await problem(page, "MODEL_NOT_FOUND");
          await composer(page).fill("And now?");
          await button(alert, "Choose another model").click();
          await modelPicker(page).selectOption(LEFT);
          await alert.waitFor({ state: "hidden" });
          await button(page, "Send").click();
          await until("the second answer", async () => await answers(page).count() === 2);
          await answerThatIs(page, "complete");
          await assertCharges(stack, person, 2);
          assertEquals((await charged(stack, person))[1]!.model_id, "gpt-4o");
        });
      }),
  );
}
