/** A page without a browser: the client on a real supabase-js, against a stack or a stand-in. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { DemoScript } from "../../../local/demo_provider/script.ts";
import { createFarebox } from "../../../web/client/mod.ts";
import type { Farebox, FareboxOptions } from "../../../web/client/farebox.ts";
import type { Balance, ChatCost, ChatEvent, ChatRequest } from "../../../web/client/types.ts";
import type { TestStack } from "../../support/stack.ts";

/** Memory in place of localStorage. */
export function memoryStorage(): NonNullable<FareboxOptions["storage"]> & Map<string, string> {
  const kept = new Map<string, string>();
  return Object.assign(kept, {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  });
}

export interface Page {
  readonly supabase: SupabaseClient;
  readonly farebox: Farebox;
  readonly userId: string;
}

/** Without timers of its own, so that a test ends when it ends. */
export function supabaseOf(url: string, publishableKey: string): SupabaseClient {
  return createClient(url, publishableKey, {
    auth: { autoRefreshToken: false, persistSession: false, detectSessionInUrl: false },
  });
}

type More = Partial<FareboxOptions>;

export function guestPage(stack: TestStack, more: More = {}): Omit<Page, "userId"> {
  const { url, details: { publishableKey } } = stack;
  const supabase = supabaseOf(url, publishableKey);
  const storage = memoryStorage();
  const options = { supabase, url, publishableKey, realtime: false, storage, ...more };
  return { supabase, farebox: createFarebox(options) };
}

/** Of somebody who has just signed up. */
export async function userPage(stack: TestStack, more: More = {}): Promise<Page> {
  const page = guestPage(stack, more);
  return { ...page, userId: await signUp(page.supabase) };
}

/** Of the same person on another device. */
export async function samePerson(
  { supabase }: Page,
  stack: TestStack,
  more: More = {},
): Promise<Page> {
  const page = guestPage(stack, more);
  const { data: { session } } = await supabase.auth.getSession();
  if (session === null) throw new Error("nobody is signed in");
  const { error } = await page.supabase.auth.setSession(session);
  if (error !== null) throw error;
  return { ...page, userId: session.user.id };
}

export async function signUp(supabase: SupabaseClient): Promise<string> {
  const email = `${crypto.randomUUID()}@example.com`;
  const { data, error } = await supabase.auth.signUp({ email, password: crypto.randomUUID() });
  if (error !== null || data.user === null) throw error ?? new Error("no user");
  return data.user.id;
}

/** A request whose answer the demo provider is ordered to give. */
export function asking(script: DemoScript = {}, more: Record<string, unknown> = {}): ChatRequest {
  const content = `How do you do? [[demo: ${JSON.stringify(script)}]]`;
  return { model: "openai:gpt-4o", messages: [{ role: "user", content }], ...more };
}

export interface Heard {
  readonly events: ChatEvent[];
  readonly text: string;
  readonly reasoning: string;
  readonly cost: ChatCost | null;
  readonly start: Extract<ChatEvent, { type: "start" }> | null;
  /** `undefined` where it did not end. */
  readonly finishReason: string | null | undefined;
  /** What was thrown. */
  readonly error: unknown;
}

/** Reads an answer to its end, whatever that is. */
export async function hear(
  stream: AsyncIterable<ChatEvent>,
  onEvent: (event: ChatEvent) => void = () => {},
): Promise<Heard> {
  const events: ChatEvent[] = [];
  let error: unknown;
  try {
    for await (const event of stream) {
      events.push(event);
      onEvent(event);
    }
  } catch (thrown) {
    error = thrown;
  }
  const said = (type: "text" | "reasoning") =>
    events.map((event) => event.type === type ? event.text : "").join("");
  const end = events.find((event) => event.type === "end");
  return {
    events,
    text: said("text"),
    reasoning: said("reasoning"),
    cost: events.find((event) => event.type === "cost")?.cost ?? null,
    start: events.find((event) => event.type === "start") ?? null,
    finishReason: end?.finishReason,
    error,
  };
}

/** What a page is told of its balance. */
export function balancesOf(
  farebox: Farebox,
): { told: Balance[]; last(): string | null; stop(): void } {
  const told: Balance[] = [];
  const stop = farebox.onBalance((balance) => told.push(balance));
  const last = () => {
    const balance = told.at(-1);
    return balance?.kind === "user" ? balance.balance : null;
  };
  return { told, last, stop };
}

/** The balance as it stands in the database, without needless digits. */
export async function balanceInDatabase({ sql }: TestStack, userId: string): Promise<string> {
  const [row] = await sql`
    select trim_scale(balance)::text as balance from public.user_balances where user_id = ${userId}`;
  return row?.["balance"];
}
