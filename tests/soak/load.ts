/** The people: they chat, leave in the middle, ask twice, top up, and get refunds. */
import type { TestUser } from "../support/stack.ts";
import type { Chance } from "./random.ts";
import type { SoakStack } from "./stack.ts";
import { isSaid, type WireDialect } from "./wire.ts";

/** What one request looked like to whoever sent it. */
export interface Seen {
  /** Null where no response came. */
  readonly requestId: string | null;
  /** Null for a guest. */
  readonly userId: string | null;
  readonly key: string | null;
  readonly dialect: WireDialect;
  readonly stream: boolean;
  readonly startMs: number;
  endMs: number;
  status: number | null;
  /** Characters of the answer that arrived. */
  characters: number;
  /** How many had arrived when, every so often. */
  readonly arrivals: { readonly atMs: number; readonly characters: number }[];
  /** What arrived is, word by word, what the provider says. */
  isTrue: boolean;
  /** The last event, or the whole body, arrived. */
  isWhole: boolean;
  /** What it was told to cost. */
  cost: string | null;
  /** The reader left. */
  hasLeft: boolean;
}

export const MODELS: Readonly<Record<WireDialect, string>> = {
  openai: "gpt-4o",
  anthropic: "claude-haiku-4-5",
};

const ARRIVALS_EVERY_MS = 200;

/** One request, whatever comes of it. */
export async function ask(
  stack: SoakStack,
  user: TestUser | null,
  chance: Chance,
): Promise<Seen[]> {
  const dialect = chance.weighted({ openai: 3, anthropic: 1 });
  const stream = chance.next() < 0.8;
  const key = user !== null && chance.next() < 0.08 ? crypto.randomUUID() : null;
  const question = "Where does the line go? ".repeat(chance.int(1, 12));
  const send = (random: Chance) => {
    const leavesAfter = random.next() < 0.15 ? random.int(0, 6_000) : Infinity;
    return sendOne(stack, user, { dialect, stream, key, question, leavesAfter });
  };
  if (key === null) return [await send(chance)];
  // The same again: at once, or after the first.
  return chance.next() < 0.5
    ? await Promise.all([send(chance.fork()), send(chance.fork())])
    : [await send(chance.fork()), await send(chance.fork())];
}

interface Question {
  readonly dialect: WireDialect;
  readonly stream: boolean;
  readonly key: string | null;
  readonly question: string;
  /** Bytes, after which the reader leaves. */
  readonly leavesAfter: number;
}

async function sendOne(stack: SoakStack, user: TestUser | null, asked: Question): Promise<Seen> {
  const { dialect, stream, key } = asked;
  const startMs = Date.now();
  const blank = {
    userId: user?.id ?? null,
    key,
    dialect,
    stream,
    startMs,
    endMs: startMs,
    status: null,
    characters: 0,
    arrivals: [],
    isTrue: true,
    isWhole: false,
    cost: null,
    hasLeft: false,
  };
  const aborter = new AbortController();
  const path = dialect === "openai" ? "v1/chat/completions" : "v1/messages";
  let response: Response;
  try {
    response = await fetch(`${stack.details.functionsUrl}/chat-proxy/${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${user?.token ?? stack.details.publishableKey}`,
        ...(dialect === "anthropic" && { "anthropic-version": "2023-06-01" }),
        ...(key !== null && { "idempotency-key": key }),
      },
      body: JSON.stringify({
        model: `${dialect}:${MODELS[dialect]}`,
        stream,
        ...(dialect === "anthropic" && { max_tokens: 2_000 }),
        messages: [{ role: "user", content: asked.question }],
      }),
      signal: AbortSignal.any([aborter.signal, AbortSignal.timeout(90_000)]),
    });
  } catch {
    return { ...blank, requestId: null, endMs: Date.now() };
  }
  const seen: Seen = {
    ...blank,
    requestId: response.headers.get("x-request-id"),
    status: response.status,
    cost: response.headers.get("x-cost"),
  };
  await read(response, seen, asked.leavesAfter, () => aborter.abort());
  seen.endMs = Date.now();
  return seen;
}

async function read(
  response: Response,
  seen: Seen,
  leavesAfter: number,
  leave: () => void,
): Promise<void> {
  const isJson = !(response.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const piece of response.body ?? []) {
      bytes += piece.length;
      text += decoder.decode(piece, { stream: true });
      if (!isJson) text = readEvents(text, seen);
      if (Date.now() - (seen.arrivals.at(-1)?.atMs ?? 0) > ARRIVALS_EVERY_MS) {
        seen.arrivals.push({ atMs: Date.now(), characters: seen.characters });
      }
      if (bytes > leavesAfter) {
        seen.hasLeft = true;
        leave();
        break;
      }
    }
  } catch {
    // The connection broke: what came, came.
    seen.hasLeft ||= false;
  }
  if (isJson) {
    seen.isWhole = response.ok && isWholeJson(text);
    if (seen.isWhole) take(contentOf(JSON.parse(text)), seen);
  }
}

/** Notes whole events. @returns what is left of the last. */
function readEvents(text: string, seen: Seen): string {
  const events = text.split("\n\n");
  const rest = events.pop() ?? "";
  for (const event of events) {
    if (event.startsWith(": farebox ")) {
      seen.cost = JSON.parse(event.slice(": farebox ".length)).cost ?? null;
    }
    const data = event.match(/^data: (.*)$/m)?.[1];
    if (data === "[DONE]") seen.isWhole = true;
    else if (data !== undefined && isWholeJson(data)) {
      const message = JSON.parse(data);
      if (message?.type === "message_stop") seen.isWhole = true;
      // It was asked for by the proxy, and is not the reader's.
      if (message?.usage?.prompt_tokens !== undefined) seen.isTrue = false;
      take(contentOf(message), seen);
    }
  }
  return rest;
}

function take(content: string, seen: Seen): void {
  if (!isSaid(content, seen.characters)) seen.isTrue = false;
  seen.characters += content.length;
}

function isWholeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface AnyAnswer {
  readonly choices?: { delta?: { content?: string }; message?: { content?: string } }[];
  readonly delta?: { text?: string };
  readonly content?: { text?: string }[];
}

function contentOf(message: AnyAnswer | null): string {
  const choice = message?.choices?.[0];
  return choice?.delta?.content ?? choice?.message?.content ?? message?.delta?.text ??
    message?.content?.[0]?.text ?? "";
}

/** Calls a function of the ledger as an operator does. Failures are faults at work. */
export async function operate(
  stack: SoakStack,
  name: string,
  args: Record<string, unknown>,
): Promise<boolean> {
  try {
    const response = await fetch(`${stack.details.url}/rest/v1/rpc/${name}`, {
      method: "POST",
      headers: { apikey: stack.details.secretKey, "content-type": "application/json" },
      body: JSON.stringify(args),
      signal: AbortSignal.timeout(20_000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Somebody new, as a browser signs up. */
export async function signUp(stack: SoakStack): Promise<TestUser> {
  const email = `${crypto.randomUUID()}@example.com`;
  const response = await fetch(`${stack.details.url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: stack.details.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email, password: crypto.randomUUID() }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`Cannot sign up: ${response.status} ${body}`);
  const session: { access_token: string; user: { id: string } } = JSON.parse(body);
  return { id: session.user.id, email, token: session.access_token };
}
