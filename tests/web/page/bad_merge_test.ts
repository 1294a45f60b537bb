/** Two tabs that write to one chat, however their exchanges overlap. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { mergedChat, type Own } from "../../../web/page/state/merge_chats.ts";
import type { Chat, Message } from "../../../web/page/state/types.ts";

const NOBODY: Own = { asked: new Set(), removed: new Set() };

function message(of: number, role: Message["role"], change: Partial<Message> = {}): Message {
  return {
    id: `${role} ${of}`,
    role,
    text: `${role} ${of}`,
    reasoning: "",
    model: "openai:gpt-4o",
    createdAt: new Date(1_000 * of).toISOString(),
    state: "complete",
    requestId: null,
    cost: null,
    problem: null,
    ...change,
  };
}

function chatOf(numbers: readonly number[], change: Partial<Message> = {}): Chat {
  return {
    id: "1",
    title: "A chat",
    createdAt: "2026-11-22T00:00:00.000Z",
    updatedAt: new Date(1_000 * Math.max(0, ...numbers)).toISOString(),
    model: "openai:gpt-4o",
    messages: numbers.flatMap((of) => [message(of, "user"), message(of, "assistant", change)]),
  };
}

const numbers = fc.uniqueArray(fc.nat(30), { maxLength: 8 }).map((all) =>
  all.sort((a, b) => a - b)
);

Deno.test("two tabs that each added to a chat come to the same one, in the order of asking, with each question before its answer", () => {
  fc.assert(fc.property(numbers, numbers, (mine, theirs) => {
    const both = [...new Set([...mine, ...theirs])].sort((a, b) => a - b);
    for (const [a, b] of [[mine, theirs], [theirs, mine]] as const) {
      const merged = mergedChat(chatOf(a), chatOf(b), NOBODY);
      assertEquals(merged.messages, chatOf(both).messages);
      assertEquals(merged.updatedAt, chatOf(both).updatedAt);
      assertEquals(mergedChat(merged, chatOf(b), NOBODY), merged);
    }
  }));
});

Deno.test("of two versions of an answer the one that knows more stays", () => {
  const streaming = chatOf([1], { state: "streaming", text: "Some" });
  const further = chatOf([1], { state: "streaming", text: "Some more" });
  const complete = chatOf([1], { text: "Some more words" });
  const cost = {
    request_id: "1",
    cost: "0.001",
    balance: null,
    tokens: null,
    basis: null,
    code: null,
  };
  const paid = chatOf([1], { text: "Some more words", cost });
  const versions = [streaming, further, complete, paid];
  for (const [i, a] of versions.entries()) {
    for (const [j, b] of versions.entries()) {
      assertEquals(mergedChat(a, b, NOBODY).messages, versions[Math.max(i, j)]!.messages);
    }
  }
});

Deno.test("what this tab has taken back does not return from the store", () => {
  const merged = mergedChat(chatOf([1, 3]), chatOf([1, 2, 3]), {
    ...NOBODY,
    removed: new Set(["user 2", "assistant 2"]),
  });
  assertEquals(merged.messages, chatOf([1, 3]).messages);
});

Deno.test("an answer that this tab asks for anew is not replaced by what is stored of it", () => {
  const anew = chatOf([1], { state: "streaming", text: "" });
  const own = { ...NOBODY, asked: new Set(["assistant 1"]) };
  assertEquals(mergedChat(anew, chatOf([1]), own).messages, anew.messages);
});
