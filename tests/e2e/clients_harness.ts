/** What the tests of clients, guests and bad input say to a stack, in its plainest form. */
import { join } from "node:path";
import type { DemoRequest } from "../../local/demo_provider/server.ts";
import type { RunNote } from "../../local/data_folder.ts";
import type { StackSecrets } from "../../local/stack_secrets.ts";
import type { TestStack, TestUser } from "../support/stack.ts";
import { until } from "../support/until.ts";

/** Who asks: a user by their token, or anybody by the headers they send. */
export type Asker = Pick<TestUser, "token"> | { readonly headers: HeadersInit };

export const QUESTION = { model: "openai:gpt-4o", messages: [{ role: "user", content: "Hello" }] };

/** The body of a chat, with orders for the demo provider. */
export function ordering(script: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const content = `Hello [[demo: ${JSON.stringify(script)}]]`;
  return { ...QUESTION, messages: [{ role: "user", content }], ...more };
}

export function headersOf(asker: Asker): Headers {
  return new Headers(
    "token" in asker ? { authorization: `Bearer ${asker.token}` } : asker.headers,
  );
}

/** `POST /chat-proxy/v1/chat/completions`; what is no text and no bytes is sent as JSON. */
export function post(
  stack: Pick<TestStack, "functionsUrl">,
  asker: Asker,
  body: unknown,
  moreHeaders: Record<string, string> = {},
): Promise<Response> {
  const headers = headersOf(asker);
  headers.set("content-type", "application/json");
  for (const [name, value] of Object.entries(moreHeaders)) headers.set(name, value);
  const sent = typeof body === "string" || body instanceof Uint8Array
    ? body as BodyInit
    : JSON.stringify(body);
  return fetch(`${stack.functionsUrl}/chat-proxy/v1/chat/completions`, {
    method: "POST",
    headers,
    body: sent,
  });
}

/** What reached the provider, oldest first. */
export async function whatWasAsked(stack: TestStack): Promise<DemoRequest[]> {
  const response = await fetch(`${stack.demoUrl}/_demo/requests`);
  return await response.json();
}

/** Waits until background work has closed every reservation, and checks that the books are right. */
export async function settled(stack: TestStack): Promise<void> {
  await until("every reservation to be closed", async () => {
    const [row] = await stack.sql`
      select count(*)::int as open from billing.reservations where state = 'open'`;
    return row?.open === 0;
  });
  const [row] = await stack.sql`select billing.reconcile() -> 'violations' as violations`;
  if (row?.violations.length > 0) throw new Error(JSON.stringify(row?.violations));
}

/** What only the operator's machine knows: where the functions listen behind the gateway, and keys. */
export async function insideOf(stack: TestStack): Promise<{ functionsUrl: string } & StackSecrets> {
  const read = async (file: string) =>
    JSON.parse(await Deno.readTextFile(join(stack.folder, file)));
  const { functionsUrl }: RunNote = await read("run.json");
  const secrets: StackSecrets = await read("secrets.json");
  return { ...secrets, functionsUrl };
}

/** The sign-up request of an app. */
export function signUp(stack: TestStack, email: string): Promise<Response> {
  return fetch(`${stack.url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: stack.details.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email, password: "correct horse battery" }),
  });
}
