/** Connections that break, a database that is away and a project that does not answer. */
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest, withPage } from "../../support/browser.ts";
import { exact } from "../../support/charges.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { answerTests } from "./bad_answers.ts";
import {
  answerThatIs,
  assertCharges,
  assertKept,
  assertShown,
  charged,
  chatRequests,
  newPerson,
  type Person,
  problem,
  say,
} from "./bad_harness.ts";
import { lineTo } from "./bad_line.ts";
import {
  answers,
  balanceShown,
  button,
  composer,
  costUnder,
  ordering,
  signIn,
} from "./page_harness.ts";

// One retry is all retries, and sooner over.
const stack = await startTestStack({ env: { UPSTREAM_RETRIES: "1" } });
Deno.test.afterAll(() => stack.stop());

const OFFLINE = { expectsConsoleErrors: [/net::ERR_|Failed to fetch/] };

browserTest(
  "offline in mid-stream: what came is kept, the page says so, and back online the cost is the database's; Try again works",
  async () => {
    const line = lineTo(stack);
    await withPage(line.stack, OFFLINE, async (page, context) => {
      // What the page asks, it asks over the line.
      const { publishableKey } = stack.details;
      await page.route(
        "**/settings.json",
        (route) =>
          route.fulfill({ json: { url: line.stack.url, publishableKey, realtime: false } }),
      );
      const person = await newPerson(stack);
      await signIn(line.stack, page, person);
      const script = { output_tokens: 60, stall_after_tokens: 40, stall_ms: 1_500 };
      await say(page, ordering("Tell me", script));
      const answer = await answerThatIs(page, "streaming");
      await until("some words", async () => (await answer.innerText()).length > 60);
      await context.setOffline(true);
      line.cut();
      await answerThatIs(page, "cut");
      const alert = await problem(page, "OFFLINE");
      assert((await answer.innerText()).length > 60);
      await context.setOffline(false);
      await assertShown(stack, person, answer);
      await assertCharges(stack, person, 1);

      await button(alert, "Try again").click();
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      await assertCharges(stack, person, 2);
      assertEquals(await page.getByRole("alert").count(), 0);
    }).finally(() => line.close());
  },
);

browserTest(
  "offline before sending: the question is kept, nothing is charged, and Try again sends it",
  () =>
    withPage(stack, OFFLINE, async (page, context) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await context.setOffline(true);
      await say(page, "Is anybody there?");
      const alert = await problem(page, "OFFLINE");
      await assertKept(page, "Is anybody there?");
      await assertCharges(stack, person, 0);
      await context.setOffline(false);
      const sent = chatRequests(page);
      await button(alert, "Try again").click();
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      assertEquals([sent.count, await page.getByTestId("question").count()], [1, 1]);
      await assertCharges(stack, person, 1);
    }),
);

browserTest(
  "a functions process that dies in mid-stream leaves what came, and the chat goes on with the next one",
  () =>
    withPage(stack, { ...OFFLINE, expectsStatus: [404, 502, 503] }, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await say(
        page,
        ordering("Tell me", { output_tokens: 60, stall_after_tokens: 40, stall_ms: 20_000 }),
      );
      const answer = answers(page).first();
      await until("some words", async () => (await answer.innerText()).length > 60);
      const pid = await stack.functionsPid();
      Deno.kill(pid!, "SIGKILL");
      await answerThatIs(page, "cut");
      await problem(page, "NETWORK_ERROR");
      assert((await answer.innerText()).length > 60);
      await untilHealthy();
      await say(page, "And now?");
      await answerThatIs(page, "complete");
      // What the dead one had not yet written down is lost; the sweeper settles the rest.
      await stack.sql`update billing.reservations set expires_at = now() - interval '1 hour'
        where state = 'open'`;
      await stack.sql`select public.expire()`;
      const shown = [await costUnder(answer), await costUnder(answers(page).last())];
      const rows = await charged(stack, person);
      assertEquals(
        shown.reduce((sum, cost) => sum + exact(cost.slice(1)), 0n),
        rows.reduce((sum, { cost }) => sum + exact(cost), 0n),
      );
      await assertCharges(stack, person, rows.length);
    }),
);

browserTest(
  "with Postgres away nothing is sent on: the question is kept, and Try again works when it is back",
  () =>
    withPage(stack, { expectsStatus: [500, 503] }, async (page) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      // The functions know the session from now on: without one they need Auth, of which below.
      await until("the balance", async () => await balanceShown(page) !== "");
      await askWithPostgresAway(page, person, "LEDGER_UNAVAILABLE");
    }),
);

browserTest(
  "with Postgres away, and Auth with it, a session that the functions have not seen yet is not said to have ended: the question is kept, and Try again works when it is back",
  () =>
    withPage(stack, { ...OFFLINE, expectsStatus: [500, 503] }, async (page, context) => {
      const person = await newPerson(stack);
      await context.route("**/functions/v1/**", (route) => route.abort());
      await signIn(stack, page, person);
      await askWithPostgresAway(page, person, "AUTH_UNAVAILABLE", () =>
        context.unroute("**/functions/v1/**"));
    }),
);

/** Asks while it is away, sees this problem, and asks again when it is back. */
async function askWithPostgresAway(
  page: Page,
  person: Person,
  code: string,
  whileAway: () => Promise<void> = async () => {},
): Promise<void> {
  const sent = chatRequests(page);
  await stack.postgres("stop");
  try {
    await whileAway();
    await say(page, "Is anybody there?");
    await problem(page, code);
    await assertKept(page, "Is anybody there?");
  } finally {
    // The tests after this one want it back.
    await stack.postgres("start");
  }
  await untilHealthy();
  await button(await problem(page, code), "Try again").click();
  await assertShown(stack, person, await answerThatIs(page, "complete"));
  await assertCharges(stack, person, 1);
  assertEquals(sent.count, 2);
}

browserTest(
  "a project that does not answer when the page is loaded: the page says so, keeps what is typed, and recovers",
  () =>
    withPage(stack, OFFLINE, async (page, context) => {
      const person = await newPerson(stack);
      await signIn(stack, page, person);
      await say(page, "Before it");
      await answerThatIs(page, "complete");
      await context.route("**/{functions,auth,rest}/v1/**", (route) => route.abort());
      await page.reload();
      await page.getByText("Before it").first().waitFor();
      const alert = await problem(page, "NETWORK_ERROR");
      await composer(page).fill("Typed meanwhile");
      await context.unroute("**/{functions,auth,rest}/v1/**");
      await button(alert, "Try again").click();
      await alert.waitFor({ state: "hidden" });
      assertEquals(await composer(page).inputValue(), "Typed meanwhile");
      await button(page, "Send").click();
      await until("the second answer", async () => await page.getByTestId("answer").count() === 2);
      await assertShown(stack, person, await answerThatIs(page, "complete"));
      await assertCharges(stack, person, 2);
    }),
);

/** A functions process that answers, with its database. */
function untilHealthy(): Promise<unknown> {
  return until("health to be ok", async () => {
    const response = await fetch(`${stack.functionsUrl}/pricing-health`).catch(() => null);
    await response?.body?.cancel();
    return response?.status === 200;
  });
}

answerTests(stack);
