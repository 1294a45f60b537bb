/** 429 of every kind: the page says when, and its button wakes up then. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Locator } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { openChat } from "../../support/chat.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  answerThatIs,
  assertCharges,
  assertKept,
  assertShown,
  chatRequests,
  newPerson,
  problem,
  say,
} from "./bad_harness.ts";
import { modelTests } from "./bad_models.ts";
import { sendTests } from "./bad_sends.ts";
import { button, composer, ordering, questions, signIn } from "./page_harness.ts";

const stack = await startTestStack({ env: { UPSTREAM_RETRIES: "0" } });
Deno.test.afterAll(() => stack.stop());

const LIMITED = { expectsStatus: [429] };

/** Runs within this limit of `billing.settings`, and takes it away afterwards. */
async function within(name: string, value: string, test: () => Promise<void>): Promise<void> {
  await stack.sql`update billing.settings set ${stack.sql({ [name]: value })}`;
  try {
    await test();
  } finally {
    await stack.sql`update billing.settings set ${stack.sql({ [name]: null })}`;
  }
}

/** The button is asleep, and wakes up when the alert said: at most so many seconds from now. */
async function wakesUp(again: Locator, secondsMax: number): Promise<void> {
  assertEquals(await again.isDisabled(), true);
  await until("the button to wake up", () => again.isEnabled(), secondsMax * 1000);
}

browserTest(
  "too many requests in a minute: the page says in how many seconds, and Try again wakes up then",
  () =>
    within("requests_per_minute_max", "1", () =>
      withPage(stack, LIMITED, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, "The first");
        await answerThatIs(page, "complete");
        await stack.sql`update public.user_balances
        set minute_started_at = clock_timestamp() - interval '58 seconds'
        where user_id = ${person.id}`;
        const sent = chatRequests(page);
        await say(page, "The second");
        const alert = await problem(page, "TOO_MANY_REQUESTS");
        assertMatch(await alert.innerText(), /\d+ ?s/);
        await assertKept(page, "The second");
        await wakesUp(button(alert, "Try again"), 5);
        assertEquals(sent.count, 1);
        await button(alert, "Try again").click();
        await assertShown(stack, person, await answerThatIs(page, "complete"));
        assertEquals([await questions(page).count(), await page.getByRole("alert").count()], [
          2,
          0,
        ]);
        await assertCharges(stack, person, 2);
      })),
);

browserTest(
  "beside too many requests that run: the page says so, and Try again goes through when one has ended",
  () =>
    within("concurrent_requests_max", "1", () =>
      withPage(stack, LIMITED, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        const running = await openChat(stack, person, { script: { stall_ms: 60_000 } });
        await say(page, "Beside it");
        const alert = await problem(page, "TOO_MANY_REQUESTS");
        running.cut();
        await wakesUp(button(alert, "Try again"), 5);
        await until(
          "the other one to have ended",
          async () =>
            (await stack.sql`select from billing.reservations where state = 'open'`).length === 0,
        );
        await button(alert, "Try again").click();
        await answerThatIs(page, "complete");
      })),
);

browserTest(
  "a day's limit that is spent: the page says until when, keeps the question, and promises no sooner try",
  () =>
    within("daily_spend_per_user_max", "0.0000001", () =>
      withPage(stack, LIMITED, async (page) => {
        const person = await newPerson(stack);
        await signIn(stack, page, person);
        await say(page, "One more");
        const alert = await problem(page, "SPEND_LIMIT_REACHED");
        assertMatch(await alert.innerText(), /\d\d?:\d\d|tomorrow|midnight/i);
        await assertKept(page, "One more");
        const again = button(alert, "Try again");
        assert(await again.count() === 0 || await again.isDisabled());
        await assertCharges(stack, person, 0);
        // Something else can be typed meanwhile.
        await composer(page).fill("For tomorrow");
      })),
);

browserTest(
  "a provider that takes no more requests: the page says in how many seconds, and only the answer is charged",
  () =>
    withPage(stack, LIMITED, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      const script = { fail: 429, fail_times: 1, key: crypto.randomUUID(), retry_after: 1 };
      await say(page, ordering("Tell me", script));
      const alert = await problem(page, "TOO_MANY_REQUESTS");
      await assertCharges(stack, person, 0);
      await wakesUp(button(alert, "Try again"), 4);
      await button(alert, "Try again").click();
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      await assertCharges(stack, person, 1);
    }),
);

modelTests(stack);
sendTests(stack);
