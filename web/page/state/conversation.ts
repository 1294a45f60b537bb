/**
 * Asking and answering. Each chat has at most one answer under way; it goes on in its own chat
 * whichever one is open. Nothing that was typed is lost: a question of which nothing came goes back
 * into the composer.
 */
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { SessionExpired } from "../../client/errors.ts";
import { formatCost } from "../../elements/money_text.ts";
import { changeChat, newChat, openChat, saveChatsNow } from "./chats.ts";
import { type Ending, readAnswer } from "./conversation_answer.ts";
import { findCost } from "./conversation_cost.ts";
import {
  changeAnswer,
  chatOf,
  isEmpty,
  messageOf,
  questionOf,
  withdraw,
} from "./conversation_changes.ts";
import { awaitedAnswer, exchangeOf, historyOf, withExchange } from "./conversation_history.ts";
import { openKey, setProblem } from "./conversation_problems.ts";
import { readDraft, writeDraft } from "./draft.ts";
import { chosenModel, dropModel, loadModels, models } from "./models.ts";
import { problemOf, problemOfCut } from "./problems.ts";
import { services } from "./services.ts";
import { sessionEnded, visitor } from "./session.ts";
import type { Message } from "./types.ts";

interface Run {
  stop: () => void;
  readonly answerId: string;
  /** What stood there before it was asked again; comes back where nothing new comes. */
  readonly before: Message | null;
}

/** By chat: the answer that is under way. */
const running = signal<ReadonlyMap<string, Run>>(new Map());

/** Whether an answer comes into the open chat. */
export const isStreaming: ReadonlySignal<boolean> = computed(() =>
  running.value.has(openKey.value)
);

/** For those who do not see the page: how the last answer ended. */
export const announcement = signal("");

/** Puts a question to the chosen model, in the open chat or in a new one. */
export async function send(text: string): Promise<void> {
  const model = chosenModel.peek();
  if (text.trim() === "" || running.peek().has(openKey.peek())) return;
  const exchange = exchangeOf(text, model, new Date());
  let chatId = "";
  batch(() => {
    const before = openChat.peek();
    setProblem(before?.id ?? "", null);
    if (readDraft(before?.id ?? null) === text) writeDraft(before?.id ?? null, "");
    chatId = (before ?? newChat(model)).id;
    changeChat(chatId, (chat) => withExchange(chat, exchange));
  });
  await ask(chatId, exchange[1], null);
}

/** Ends the answer in the open chat. What was shown is charged. */
export function stop(): void {
  const chatId = openKey.peek();
  const run = running.peek().get(chatId);
  if (run === undefined) return;
  run.stop();
  batch(() => {
    endRun(chatId);
    if (messageOf(chatId, run.answerId)?.requestId === null) takeBack(chatId, run);
    // Shown at once; what it came to is known a moment later.
    else changeAnswer(chatId, run.answerId, { state: "stopped" });
  });
  void saveChatsNow();
}

/** Asks again, the chosen model, for an answer of the open chat: the new one takes its place. */
export async function retry(messageId: string): Promise<void> {
  const chatId = openKey.peek();
  const model = chosenModel.peek();
  const before = messageOf(chatId, messageId);
  if (before?.role !== "assistant" || running.peek().has(chatId)) return;
  const answer = awaitedAnswer(before.id, model, new Date());
  setProblem(chatId, null);
  changeAnswer(chatId, messageId, answer);
  await ask(chatId, answer, isEmpty(before) ? null : before);
}

async function ask(chatId: string, answer: Message, before: Message | null): Promise<void> {
  const { id, model } = answer;
  const messages = historyOf(chatOf(chatId)?.messages ?? [], { answerId: id });
  const idempotencyKey = crypto.randomUUID();
  const run: Run = { stop: () => {}, answerId: id, before };
  running.value = new Map(running.peek()).set(chatId, run);
  announcement.value = "";
  const isMine = () => running.peek().get(chatId) === run;
  const open = (signal: AbortSignal) => {
    const options = { chatId, idempotencyKey, signal };
    const stream = services().farebox.streamChat({ model, messages }, options);
    run.stop = () => stream.stop();
    return stream;
  };
  const ending = await readAnswer(open, (progress) => {
    // After a stop only the cost is still of interest.
    if (isMine()) changeAnswer(chatId, id, { ...progress, model: progress.model ?? model });
    else if (progress.cost !== null) changeAnswer(chatId, id, { cost: progress.cost });
  });
  const wasMine = isMine();
  if (wasMine) endRun(chatId);
  await settle(chatId, run, ending, wasMine);
}

async function settle(chatId: string, run: Run, ending: Ending, isOpen: boolean): Promise<void> {
  const answer = messageOf(chatId, run.answerId);
  if (answer === undefined) return;
  if (isOpen) {
    batch(() => {
      if (ending.kind === "broken") settleBroken(chatId, run, answer, ending.error);
      else if (ending.kind === "stopped") changeAnswer(chatId, answer.id, { state: "stopped" });
      else settleWhole(chatId, answer, ending.cutBy);
    });
  }
  if (models.peek().length === 0) void loadModels();
  announce(chatId, answer.id);
  // At once: the tab may be closed as soon as an answer is read.
  await saveChatsNow();
  const settled = messageOf(chatId, answer.id);
  if (settled?.requestId && settled.cost === null && visitor.peek().kind === "user") {
    await lookUpCost(chatId, answer.id, settled.requestId);
  }
}

function settleWhole(chatId: string, answer: Message, cutBy: string | null): void {
  const isNothing = cutBy === null && isEmpty(answer);
  const reason = isNothing ? "EMPTY_ANSWER" : cutBy;
  const state = isNothing ? "failed" : reason === null ? "complete" : "cut";
  const problem = reason === null ? null : problemOfCut(reason);
  changeAnswer(chatId, answer.id, { state, problem });
}

function settleBroken(chatId: string, run: Run, answer: Message, error: unknown): void {
  const { id, requestId } = answer;
  const isRefused = requestId === null || isEmpty(answer);
  const problem = isRefused ? problemOf(error) : problemOfCut(answer.cost?.code ?? error);
  const typed = readDraft(chatId);
  if (!isRefused) changeAnswer(chatId, id, { state: "cut", problem });
  else if (run.before !== null) changeAnswer(chatId, id, { ...run.before, problem });
  else if (requestId !== null || (typed !== "" && typed !== questionOf(chatId, id)?.text)) {
    // The server has begun it, or the next message is being typed: the question stays where it is.
    changeAnswer(chatId, id, { state: "failed", problem });
  } else setProblem(withdraw(chatId, id), problem);
  if (error instanceof SessionExpired) sessionEnded();
  if (/^MODEL_NOT_|^PROVIDER_NOT_/.test(problem.code)) dropModel(answer.model);
}

function takeBack(chatId: string, { answerId, before }: Run): void {
  if (before === null) withdraw(chatId, answerId);
  else changeAnswer(chatId, answerId, before);
}

async function lookUpCost(chatId: string, id: string, requestId: string): Promise<void> {
  const cost = await findCost(requestId);
  if (cost === null || messageOf(chatId, id)?.requestId !== requestId) return;
  changeAnswer(chatId, id, { cost });
  announce(chatId, id);
  await Promise.all([saveChatsNow(), services().farebox.refreshBalance().catch(() => {})]);
}

function announce(chatId: string, id: string): void {
  if (openKey.peek() !== chatId) return;
  const answer = messageOf(chatId, id);
  const cost = answer?.cost ? `, ${formatCost(answer.cost.cost)}` : "";
  if (answer?.state === "complete") announcement.value = `Answer complete${cost}`;
  if (answer?.state === "stopped") announcement.value = `Answer stopped${cost}`;
  if (answer?.state === "cut") announcement.value = `Answer ended early${cost}`;
}

function endRun(chatId: string): void {
  const rest = new Map(running.peek());
  rest.delete(chatId);
  running.value = rest;
}
