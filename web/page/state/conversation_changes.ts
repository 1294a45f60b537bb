/** Looking at and changing the messages of a chat by their ids. */
import { deleteChat } from "./chats.ts";
import { changeChat, chats, openChat } from "./shown_chats.ts";
import { withoutExchange } from "./conversation_history.ts";
import { readDraft, writeDraft } from "./draft.ts";
import type { Chat, Message } from "./types.ts";

export function chatOf(id: string): Chat | undefined {
  return chats.peek().find((chat) => chat.id === id);
}

export function messageOf(chatId: string, id: string): Message | undefined {
  return chatOf(chatId)?.messages.find((message) => message.id === id);
}

/** What an answer answers. */
export function questionOf(chatId: string, answerId: string): Message | undefined {
  const messages = chatOf(chatId)?.messages ?? [];
  return messages[messages.findIndex(({ id }) => id === answerId) - 1];
}

export function changeAnswer(chatId: string, id: string, change: Partial<Message>): void {
  changeChat(chatId, (chat) => ({
    ...chat,
    messages: chat.messages.map((one) => one.id === id ? { ...one, ...change } : one),
  }));
}

/** Whether nothing has come of an answer. */
export function isEmpty({ text, reasoning }: Message): boolean {
  return text === "" && reasoning === "";
}

/**
 * Takes an exchange out of its chat and puts the question back into the composer. A chat that was
 * made for it goes as well.
 * @returns the chat in whose composer it is; "": one that has yet to begin.
 */
export function withdraw(chatId: string, answerId: string): string {
  const typed = readDraft(chatId) || (questionOf(chatId, answerId)?.text ?? "");
  changeChat(chatId, (chat) => withoutExchange(chat, answerId));
  const isGone = chatOf(chatId)?.messages.length === 0 && readDraft(null) === "" &&
    openChat.peek()?.id === chatId;
  if (!isGone) {
    writeDraft(chatId, typed);
    return chatId;
  }
  writeDraft(chatId, "");
  writeDraft(null, typed);
  void deleteChat(chatId);
  return "";
}
