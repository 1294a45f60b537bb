/** What a chat's messages are to the model. Pure. */
import type { ChatMessage } from "../../client/types.ts";
import type { Chat, Message } from "./types.ts";

const TITLE_CHARACTERS_MAX = 60;

/** A chat in which nothing was said yet. */
export function emptyChat(id: string, model: string, now: Date): Chat {
  const createdAt = now.toISOString();
  return { id, title: "New chat", createdAt, updatedAt: createdAt, model, messages: [] };
}

/** A question, and the answer that is awaited. Both get fresh ids. */
export function exchangeOf(text: string, model: string, now: Date): [Message, Message] {
  const answer = awaitedAnswer(crypto.randomUUID(), model, now);
  return [{ ...answer, id: crypto.randomUUID(), role: "user", text, state: "complete" }, answer];
}

/** An answer of which nothing has come yet. */
export function awaitedAnswer(id: string, model: string, now: Date): Message {
  return {
    id,
    role: "assistant",
    text: "",
    reasoning: "",
    model,
    createdAt: now.toISOString(),
    state: "streaming",
    requestId: null,
    cost: null,
    problem: null,
  };
}

/** A chat with one more question and its awaited answer. */
export function withExchange(chat: Chat, [question, answer]: readonly [Message, Message]): Chat {
  const isFirst = chat.messages.length === 0;
  return {
    ...chat,
    title: isFirst ? titleOf(question.text) : chat.title,
    model: question.model,
    updatedAt: question.createdAt,
    messages: [...chat.messages, question, answer],
  };
}

/** A chat as it was before a question was put; unchanged where the answer is not its last message. */
export function withoutExchange(chat: Chat, answerId: string): Chat {
  const at = chat.messages.findIndex(({ id }) => id === answerId);
  if (at < 1) return chat;
  return { ...chat, messages: chat.messages.toSpliced(at - 1, 2) };
}

/**
 * What the model is told: all exchanges in which something was answered, then the question of
 * `answerId`, or `question`.
 */
export function historyOf(
  messages: readonly Message[],
  next: { readonly answerId: string } | { readonly question: string },
): readonly ChatMessage[] {
  const isAsked = "question" in next;
  const end = isAsked ? messages.length : messages.findIndex(({ id }) => id === next.answerId) - 1;
  const question = isAsked ? next.question : messages[end]?.text ?? "";
  const history: ChatMessage[] = [];
  for (let at = 0; at + 1 < end; at += 2) {
    const [asked, answered] = [messages[at]!, messages[at + 1]!];
    if (answered.state === "failed" || answered.text === "") continue;
    history.push({ role: "user", content: asked.text });
    history.push({ role: "assistant", content: answered.text });
  }
  return [...history, { role: "user", content: question }];
}

/** The question's first line, short enough for a list. Orders to the demo provider are no part of it. */
export function titleOf(question: string): string {
  const line = question.replace(/\[\[demo:[\s\S]*?\]\]/g, "").trim().split("\n")[0]?.trim() ?? "";
  if (line === "") return "New chat";
  const characters = [...line];
  if (characters.length <= TITLE_CHARACTERS_MAX) return line;
  return `${characters.slice(0, TITLE_CHARACTERS_MAX - 1).join("").trimEnd()}…`;
}
