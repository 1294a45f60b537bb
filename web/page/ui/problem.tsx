/** What went wrong, and buttons for what can be done about it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { dialog } from "../state/dialogs.ts";
import { loadModels } from "../state/models.ts";
import { type NextStep, nextSteps } from "../state/problems.ts";
import { sessionEnded, visitor } from "../state/session.ts";
import type { Problem } from "../state/types.ts";
import { focusModel } from "./places.ts";

export interface ProblemBoxProps {
  readonly problem: Problem;
  readonly tryAgain: () => void;
  readonly shorten: () => void;
  /** Given where it can be put away. */
  readonly dismiss?: () => void;
}

/** Above this a time of day says more than a countdown. */
const COUNTDOWN_SECONDS_MAX = 90;

export function ProblemBox({ problem, tryAgain, shorten, dismiss }: ProblemBoxProps) {
  const secondsLeft = useSecondsLeft(problem);
  const act: Readonly<Record<NextStep, () => void>> = {
    "Try again": tryAgain,
    "Shorten": shorten,
    "Add credits": () => dialog.value = { kind: "add-credits" },
    "Sign up": () => dialog.value = { kind: "sign-up" },
    "Sign in again": signInAgain,
    "Choose another model": chooseAnother,
  };
  return (
    <div class="problem" role="alert" data-code={problem.code}>
      <p>
        {problem.message}
        {secondsLeft > 0 && <span aria-live="off">{waitText(problem, secondsLeft)}</span>}
      </p>
      <div class="steps">
        {nextSteps(problem).map((step, index) => (
          <button
            key={step}
            type="button"
            class={index === 0 ? "button primary" : "button"}
            disabled={step === "Try again" && secondsLeft > 0}
            onClick={act[step]}
          >
            {step}
          </button>
        ))}
        {dismiss && <button type="button" class="button quiet" onClick={dismiss}>Dismiss</button>}
      </div>
    </div>
  );
}

function waitText({ retryAfterSeconds }: Problem, secondsLeft: number): string {
  if ((retryAfterSeconds ?? 0) <= COUNTDOWN_SECONDS_MAX) return ` Try again in ${secondsLeft} s.`;
  const then = new Date(Date.now() + secondsLeft * 1000);
  const time = then.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" });
  const isToday = then.toDateString() === new Date().toDateString();
  return ` You can go on ${isToday ? "at" : "tomorrow at"} ${time}.`;
}

function signInAgain(): void {
  if (visitor.peek().kind === "user") sessionEnded();
  else dialog.value = { kind: "sign-in" };
}

function chooseAnother(): void {
  void loadModels();
  focusModel();
}

/** When each problem was first shown: a countdown goes on where it was. */
const shownAt = new WeakMap<Problem, number>();

function useSecondsLeft(problem: Problem): number {
  const since = shownAt.get(problem) ?? Date.now();
  shownAt.set(problem, since);
  const now = useSignal(Date.now());
  const left = Math.ceil((since + (problem.retryAfterSeconds ?? 0) * 1000 - now.value) / 1000);
  const isWaiting = left > 0;
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => now.value = Date.now(), 500);
    return () => clearInterval(timer);
  }, [isWaiting, problem]);
  return Math.max(0, left);
}
