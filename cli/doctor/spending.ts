/** One streamed question to chat-proxy, and what the stream said that it cost. */
import { type Answer, type As, field, type Project } from "./project.ts";

/** What the stream's comment says; amounts are decimal strings in USD. */
export interface Spending {
  readonly requestId: string;
  readonly model: string;
  readonly cost: string;
  /** What was left, as the comment says. */
  readonly balance: string;
  /** The balance before, from the ledger. */
  readonly balanceBefore: string;
  readonly basis: string;
}

/** Enough for a model that thinks before it speaks; it bounds the cost. */
const OUTPUT_TOKENS_MAX = 256;

/** The request, for any model of OpenAI's chat API. */
export function question(model: string): Record<string, unknown> {
  return {
    model,
    stream: true,
    max_completion_tokens: OUTPUT_TOKENS_MAX,
    messages: [{ role: "user", content: "Say hello in one word." }],
  };
}

/** Sends the question. @throws Unanswered */
export function askQuestion(project: Project, as: As, model: string): Promise<Answer> {
  return project.ask(as, "/functions/v1/chat-proxy/v1/chat/completions", {
    method: "POST",
    body: question(model),
    headers: { "x-chat-id": "farebox-doctor" },
  });
}

/** The comment before the last event; null where the stream has none. */
export function readComment(stream: string): Record<string, unknown> | null {
  const line = stream.split("\n").find((text) => text.startsWith(": farebox "));
  if (line === undefined) return null;
  try {
    return JSON.parse(line.slice(": farebox ".length));
  } catch {
    return null;
  }
}

/** What can be asked over OpenAI's chat API, the cheapest first. */
export async function cheapestModels(project: Project, as: As): Promise<string[]> {
  const answer = await project.ask(as, "/functions/v1/chat-proxy/v1/models");
  const list = field(answer, "data");
  if (!Array.isArray(list)) return [];
  return (list as ListedModel[])
    .filter(({ dialects }) => dialects.includes("openai-chat"))
    .map(({ id, pricing }) => ({
      id,
      // For an order alone, so a float will do.
      price: Number(pricing.input_per_1k) + Number(pricing.output_per_1k),
    }))
    .sort((a, b) => a.price - b.price || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

interface ListedModel {
  readonly id: string;
  readonly dialects: readonly string[];
  readonly pricing: { readonly input_per_1k: string; readonly output_per_1k: string };
}

/** What the question costs at the most, as the function `balance` estimates it; null: not known. */
export async function costMax(project: Project, as: As, model: string): Promise<string | null> {
  const answer = await project.ask(as, "/functions/v1/balance/estimate", {
    method: "POST",
    body: question(model),
  });
  const max = field(answer, "cost_max");
  return typeof max === "string" ? max : null;
}
