/** One answer: its thoughts and text, what it cost, and why it ended early if it did. */
import { useMemo } from "preact/hooks";
import { retry } from "../state/conversation.ts";
import { problem as problemOfChat } from "../state/conversation_problems.ts";
import { dialog } from "../state/dialogs.ts";
import { readDraft, writeDraft } from "../state/draft.ts";
import { nextSteps } from "../state/problems.ts";
import type { Message } from "../state/types.ts";
import { CopyButton } from "./copy_button.tsx";
import { CostLine, hasReceipt } from "./cost_line.tsx";
import { Markdown } from "./markdown.tsx";
import { focusComposer } from "./places.ts";
import { ProblemBox } from "./problem.tsx";

export interface AnswerProps {
  readonly chatId: string;
  readonly message: Message;
  /** What it answers. */
  readonly question: string;
  /** Only the last one of a chat is asked for again. */
  readonly isLast: boolean;
}

export function Answer({ chatId, message, question, isLast }: AnswerProps) {
  // A streaming answer draws its chat anew for each frame: those before it stay as they are.
  return useMemo(
    () => <AnswerArticle chatId={chatId} message={message} question={question} isLast={isLast} />,
    [chatId, message, question, isLast],
  );
}

function AnswerArticle({ chatId, message, question, isLast }: AnswerProps) {
  const { id, text, reasoning, state, problem } = message;
  // What stands above the composer comes first.
  const isCurrent = isLast && !isStreaming(message) && problemOfChat.value === null;
  const isComing = isStreaming(message);
  const again = () => void retry(id);
  return (
    <article
      class="answer"
      data-testid="answer"
      data-state={state}
      aria-label="Answer"
      aria-busy={isComing}
    >
      {reasoning !== "" && (
        <details class={isComing && text === "" ? "thoughts thinking" : "thoughts"}>
          <summary>Thoughts</summary>
          <div class="typed">{reasoning}</div>
        </details>
      )}
      {text !== "" && <Markdown text={text} isStreaming={isComing} />}
      {isComing && text === "" && reasoning === "" && <Waiting />}
      {state === "stopped" && text === "" && <p class="aside">Stopped before it began.</p>}
      {!isComing && (
        <footer class="facts">
          <CostLine message={message} />
          {hasReceipt(message) && (
            <button
              type="button"
              class="act"
              onClick={() => showReceipt(message.requestId)}
            >
              Why this price?
            </button>
          )}
          {text !== "" && <CopyButton text={text} label="Copy" />}
          {isLast && canTryAgain(message) && (
            <button type="button" class="act" onClick={again}>Try again</button>
          )}
        </footer>
      )}
      {problem !== null && isCurrent && (
        <ProblemBox
          problem={problem}
          tryAgain={again}
          shorten={() => editAgain(chatId, question)}
        />
      )}
      {problem !== null && !isCurrent && <p class="aside">{problem.message}</p>}
    </article>
  );
}

function isStreaming({ state }: Message): boolean {
  return state === "streaming";
}

function Waiting() {
  return (
    <p class="waiting" role="img" aria-label="Waiting for the answer">
      <span class="dot" />
      <span class="dot" />
      <span class="dot" />
    </p>
  );
}

/** A problem brings its own button where trying again is what helps. */
function canTryAgain({ state, problem }: Message): boolean {
  if (state === "complete" || state === "streaming") return false;
  return problem === null || !nextSteps(problem).includes("Try again");
}

function showReceipt(requestId: string | null): void {
  if (requestId !== null) dialog.value = { kind: "receipt", requestId };
}

/** What is being typed is not overwritten. */
function editAgain(chatId: string, question: string): void {
  if (readDraft(chatId) === "") writeDraft(chatId, question);
  // Drawn first, so that the caret stands at its end.
  requestAnimationFrame(focusComposer);
}
