/**
 * Asking and answering. Each chat has at most one answer under way; it goes on in its own chat
 * whichever one is open. Nothing that was typed is lost: a question of which nothing came goes back
 * into the composer.
 */
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { SessionExpired } from "../../client/errors.ts";
import type { ChatCost } from "../../client/types.ts";
import { formatCost } from "../../elements/money_text.ts";
import { saveChatsNow } from "./chats.ts";
import { changeChat, newChat, openChat } from "./shown_chats.ts";
import { type Ending, readAnswer } from "./conversation_answer.ts";
import { findCost, findUnknownCost } from "./conversation_cost.ts";
import {
  changeAnswer,
  chatOf,
  isEmpty,
  messageOf,
  questionOf,
  withdraw,
} from "./conversation_changes.ts";
import { awaitedAnswer, exchangeOf, historyOf, withExchange } from "./conversation_history.ts";
import { chatOfAttempt, forgetKey, keyOf } from "./conversation_keys.ts";
import { type LostAnswer, lostAnswerOf } from "./conversation_lost.ts";
import { openKey, setProblem } from "./conversation_problems.ts";
import { readDraft, writeDraft } from "./draft.ts";
import { chosenModel, dropModel, loadModels, models } from "./models.ts";
import { problemOf, problemOfCut, problemOfEmpty, problemOfLost } from "./problems.ts";
import { noteAnswer, noteAnswerEnded } from "./running_answers.ts";
import { services } from "./services.ts";
import { mustSignInAgain, sessionEnded, visitor } from "./session.ts";
import type { Message } from "./types.ts";

interface Run {
  stop: () => void;
  readonly answerId: string;
  /** The answer's `createdAt`: one that is asked for anew has another. */
  readonly askedAt: string;
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
  if (mustSignInAgain()) return;
  const exchange = exchangeOf(text, model, new Date());
  let chatId = "";
  batch(() => {
    const before = openChat.peek();
    setProblem(before?.id ?? "", null);
    if (readDraft(before?.id ?? null) === text) writeDraft(before?.id ?? null, "");
    chatId = (before ?? newChat(model, lostChatOf(model, text))).id;
    changeChat(chatId, (chat) => withExchange(chat, exchange));
  });
  await ask(chatId, exchange[1], null);
}

/** Ends the answer in the open chat. What was shown is charged. */
export function stop(): void {
  const chatId = openKey.peek();
  const run = running.peek().get(chatId);
  if (run === undefined) return;
  batch(() => {
    hangUp(chatId, run);
    const isUnknown = messageOf(chatId, run.answerId)?.requestId === null;
    // A guest's charges can be asked of nobody.
    if (isUnknown && visitor.peek().kind !== "user") takeBack(chatId, run);
  });
  void saveChatsNow();
}

/** It is shown as stopped at once; what it came to is known a moment later. */
function hangUp(chatId: string, run: Run): void {
  run.stop();
  batch(() => {
    endRun(chatId);
    changeAnswer(chatId, run.answerId, { state: "stopped" });
  });
}

/** Asks again, the chosen model, for an answer of the open chat: the new one takes its place. */
export async function retry(messageId: string): Promise<void> {
  const chatId = openKey.peek();
  const model = chosenModel.peek();
  const before = messageOf(chatId, messageId);
  if (before?.role !== "assistant" || running.peek().has(chatId)) return;
  if (mustSignInAgain()) return;
  const answer = awaitedAnswer(before.id, model, new Date());
  setProblem(chatId, null);
  changeAnswer(chatId, messageId, answer);
  await ask(chatId, answer, isEmpty(before) ? null : before);
}

async function ask(chatId: string, answer: Message, before: Message | null): Promise<void> {
  const { id, model } = answer;
  const request = { model, messages: historyOf(chatOf(chatId)?.messages ?? [], { answerId: id }) };
  const options = { chatId, idempotencyKey: keyOf(chatId, request) };
  const run: Run = { stop: () => {}, answerId: id, askedAt: answer.createdAt, before };
  running.value = new Map(running.peek()).set(chatId, run);
  const leaving = new AbortController();
  noteAnswer(chatId, () => {
    // Whoever leaves waits for no cost: it is looked up when the chat is seen again.
    leaving.abort();
    hangUp(chatId, run);
  });
  announcement.value = "";
  const isMine = () => running.peek().get(chatId) === run;
  const open = (connection: AbortSignal) => {
    const signal = AbortSignal.any([connection, leaving.signal]);
    const stream = services().farebox.streamChat(request, { ...options, signal });
    run.stop = () => {
      forgetKey(request);
      stream.stop();
    };
    return stream;
  };
  const ending = await readAnswer(open, (progress) => {
    const { cost, requestId } = progress;
    if (requestId !== null) forgetKey(request);
    if (isMine()) changeAnswer(chatId, id, { ...progress, model: progress.model ?? model });
    // After a stop only what it came to is still of interest, as long as it is not asked again.
    else if (answerOf(chatId, run) !== undefined) changeAnswer(chatId, id, { cost, requestId });
  });
  const wasMine = isMine();
  if (wasMine) endRun(chatId);
  const lost = ending.kind === "broken" ? lostAnswerOf(ending.error) : null;
  if (lost !== null) forgetKey(request);
  if (leaving.signal.aborted) return;
  if (lost === "free" && wasMine) await ask(chatId, answer, before);
  else await settle(chatId, run, ending, wasMine);
}

async function settle(chatId: string, run: Run, ending: Ending, isOpen: boolean): Promise<void> {
  const answer = answerOf(chatId, run);
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
  if (settled?.cost !== null || visitor.peek().kind !== "user") return;
  if (settled.requestId !== null) await lookUpCost(chatId, settled, settled.requestId);
  else if (settled.state === "stopped") await lookUpUnknown(chatId, run);
}

function settleWhole(chatId: string, answer: Message, cutBy: string | null): void {
  const { id, cost } = answer;
  if (cutBy !== null) changeAnswer(chatId, id, { state: "cut", problem: problemOfCut(cutBy) });
  else if (!isEmpty(answer)) changeAnswer(chatId, id, { state: "complete", problem: null });
  else changeAnswer(chatId, id, { state: "failed", problem: problemOfEmpty(cost) });
}

function settleBroken(chatId: string, run: Run, answer: Message, error: unknown): void {
  const { id, requestId, cost } = answer;
  const lost = lostAnswerOf(error);
  if (lost !== null && lost !== "free") return settleLost(chatId, run, lost);
  const isRefused = requestId === null || isEmpty(answer);
  const problem = isRefused
    ? problemOf(error, requestId === null ? undefined : cost)
    : problemOfCut(cost?.code ?? error);
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

/** What stood there before has its own cost: it stays. */
function settleLost(chatId: string, { answerId, before }: Run, lost: LostAnswer): void {
  const problem = problemOfLost(lost.cost);
  const change = before === null ? { ...lost, state: "cut" as const } : before;
  changeAnswer(chatId, answerId, { ...change, problem });
}

function takeBack(chatId: string, { answerId, before }: Run): void {
  if (before === null) withdraw(chatId, answerId);
  else changeAnswer(chatId, answerId, before);
}

async function lookUpCost(chatId: string, answer: Message, requestId: string): Promise<void> {
  const cost = await findCost(requestId);
  if (cost === null || messageOf(chatId, answer.id)?.requestId !== requestId) return;
  await showCost(chatId, answer.id, cost);
}

/** It was stopped before its id was known, and may have been charged all the same. */
async function lookUpUnknown(chatId: string, run: Run): Promise<void> {
  const isKnown = (requestId: string) =>
    chatOf(chatId)?.messages.some((message) => message.requestId === requestId) ?? false;
  const cost = await findUnknownCost(chatId, run.askedAt, isKnown);
  const answer = answerOf(chatId, run);
  if (answer === undefined) return;
  if (cost !== null) return await showCost(chatId, answer.id, cost);
  // The chat may have gone on meanwhile, or something else be typed.
  const isLast = chatOf(chatId)?.messages.at(-1)?.id === answer.id;
  if (isLast && readDraft(chatId) === "") takeBack(chatId, run);
}

async function showCost(chatId: string, id: string, cost: ChatCost): Promise<void> {
  changeAnswer(chatId, id, { cost, requestId: cost.request_id });
  announce(chatId, id);
  await Promise.all([saveChatsNow(), services().farebox.refreshBalance().catch(() => {})]);
}

/** The run's answer; undefined where it is gone, or is being asked for anew by another run. */
function answerOf(chatId: string, { answerId, askedAt }: Run): Message | undefined {
  const answer = messageOf(chatId, answerId);
  return answer?.createdAt === askedAt ? answer : undefined;
}

function lostChatOf(model: string, question: string): string | undefined {
  const chatId = chatOfAttempt({ model, messages: historyOf([], { question }) });
  return chatId === null || chatOf(chatId) !== undefined ? undefined : chatId;
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
  noteAnswerEnded(chatId);
}
