/**
 * What the tests of bad input share: a person in a browser, what that person sees, and what the
 * ledger has of them.
 */
import { assertEquals } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { exact } from "../../support/charges.ts";
import type { TestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import { answers, button, composer, costUnder, type PageUser } from "./page_harness.ts";

/** Looking is repeated; waiting for one look must not take its place. */
const WAIT_MS = 1_000;

/** Somebody who signed up, and can sign in. */
export interface Person extends PageUser {
  readonly token: string;
}

/** Signs somebody new up, without a browser. */
export async function newPerson({ details }: Pick<TestStack, "details">): Promise<Person> {
  const [email, password] = [`${crypto.randomUUID()}@example.com`, crypto.randomUUID()];
  const response = await fetch(`${details.url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: details.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  assertEquals(response.status, 200);
  const session: { access_token: string; user: { id: string } } = await response.json();
  return { id: session.user.id, email, password, token: session.access_token };
}

/** Fills the form that is open. */
export async function fillSignIn(page: Page, person: Person): Promise<void> {
  const form = page.getByRole("dialog");
  await form.getByLabel("E-mail").fill(person.email);
  await form.getByLabel("Password").fill(person.password);
  await form.getByRole("button", { name: "Sign in", exact: true }).click();
  await form.waitFor({ state: "hidden" });
}

/** Types and sends. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await button(page, "Send").click();
}

/** The problem with this code, waited for; it says something. */
export async function problem(page: Page, code: string): Promise<Locator> {
  const alert = page.locator(`[role="alert"][data-code="${code}"]`).last();
  await alert.waitFor();
  const words = (await alert.innerText()).trim();
  if (!/\w+ \w+.*[.!]/s.test(words)) throw new Error(`${code} is no sentence: ${words}`);
  return alert;
}

/** The question of which nothing came is in the composer again, and nowhere else. */
export async function assertKept(page: Page, question: string): Promise<void> {
  await until(
    "the question to be back",
    async () => await composer(page).inputValue() === question,
  );
}

/** The newest answer, once it is in this state. */
export async function answerThatIs(page: Page, state: string): Promise<Locator> {
  const answer = answers(page).last();
  let last: string | null = null;
  await until(`an answer that is ${state}`, async () => {
    last = await answer.getAttribute("data-state", { timeout: WAIT_MS }).catch(() => null);
    return last === state;
  }).catch((error) => {
    throw new Error(`${error.message}: it is ${last}`);
  });
  return answer;
}

/** A charge of somebody, as the database has it. */
export interface Charged {
  readonly request_id: string;
  readonly cost: string;
  readonly model_id: string;
}

/** All that a person was charged, the oldest first. */
export async function charged(stack: TestStack, person: Person): Promise<Charged[]> {
  return Array.from(
    await stack.sql<Charged[]>`
    select request_id, cost::text, model_id from public.usage_records
    where user_id = ${person.id} and cost <> 0 order by created_at`,
  );
}

/** Nothing is held of the person, who was charged for as many answers. */
export async function assertCharges(stack: TestStack, person: Person, count: number) {
  await until("nothing to be reserved", async () => {
    const open = await stack.sql`
      select from billing.reservations where state = 'open' and user_id = ${person.id}`;
    return open.length === 0;
  });
  assertEquals((await charged(stack, person)).length, count);
  const [ledger] = await stack.sql`select public.reconcile() -> 'violations' as violations`;
  assertEquals(ledger?.["violations"], []);
}

/** What is shown is the charge of the database, to the last decimal. */
export async function assertShown(
  stack: TestStack,
  person: Person,
  answer: Locator,
): Promise<void> {
  const shown = await costUnder(answer);
  const rows = await charged(stack, person);
  assertEquals(exact(shown.replace(/[$,]/g, "")), exact(rows.at(-1)?.cost ?? "0"));
}

/** Counts the chat requests that a page sends from now on. */
export function chatRequests(page: Page): { count: number } {
  const sent = { count: 0 };
  page.context().on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/chat/completions")) sent.count++;
  });
  return sent;
}

/** Where supabase-js keeps the session, changed by `change`: an expression of `session`. */
export async function changeSession(page: Page, change: string): Promise<void> {
  await page.evaluate(`(() => {
    const key = Object.keys(localStorage).find((key) => key.includes("auth-token"));
    const session = JSON.parse(localStorage.getItem(key));
    localStorage.setItem(key, JSON.stringify(Object.assign(session, ${change})));
  })()`);
}

/**
 * Nothing in the page can run or load what an answer says.
 * @throws Error that names what can.
 */
export async function assertTame(page: Page): Promise<void> {
  assertEquals(await page.evaluate("globalThis.__pwned ?? null"), null);
  const found = await page.evaluate<string[]>(`
    [...document.querySelectorAll('[data-testid="answer"] *, [data-testid="question"] *')]
      .flatMap((element) => {
        const found = [];
        const tag = element.localName;
        if (/^(script|iframe|object|embed|form|base|style|link|meta|img|video|audio|source|template)$/.test(tag)) {
          found.push(tag);
        }
        for (const { name, value } of element.attributes) {
          const isAddress = ["href", "src", "xlink:href", "action", "formaction"].includes(name);
          if (/^on|^(style|srcdoc|srcset)$/.test(name) ||
            isAddress && !/^(https?:|mailto:|#)/i.test(value)) {
            found.push(tag + " " + name + "=" + value);
          }
        }
        return found;
      })`);
  assertEquals(found, []);
}
