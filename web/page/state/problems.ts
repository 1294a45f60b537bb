/**
 * What went wrong, as a sentence, and what can be done about it. The one place that knows the codes.
 */
import {
  FareboxError,
  FreeLimitReached,
  InsufficientBalance,
  NetworkError,
} from "../../client/errors.ts";
import type { ChatCost } from "../../client/types.ts";
import { formatBalance, formatCost } from "../../elements/money_text.ts";
import type { Problem } from "./types.ts";

/** What the page offers; each is a button. */
export type NextStep =
  | "Try again"
  | "Add credits"
  | "Sign up"
  | "Choose another model"
  | "Sign in again"
  | "Shorten";

interface Advice {
  /** Of a refusal: nothing came of the question. Null: the server's own sentence is the best one. */
  readonly refused: string | null;
  /** Of an answer that ended early; null: as a refusal. */
  readonly cut: string | null;
  readonly steps: readonly NextStep[];
  /** What mostly costs nothing, and is said to where that is so. */
  readonly isMostlyFree?: true;
}

const FREE = "Nothing was charged.";
const BALANCE: readonly NextStep[] = ["Add credits", "Choose another model", "Shorten"];
const OTHER_MODEL: readonly NextStep[] = ["Choose another model"];
const AGAIN: readonly NextStep[] = ["Try again"];
const EDIT: readonly NextStep[] = ["Shorten"];

/** By code. What is not here is told in the server's words, with "Try again". */
const ADVICE: Readonly<Record<string, Advice>> = {
  INSUFFICIENT_BALANCE: {
    refused: "Your balance does not pay for this message.",
    cut: "Your balance ended here. What you see is kept, and it is what you paid for.",
    steps: BALANCE,
  },
  FREE_LIMIT_REACHED: {
    refused: "Your free messages are used. Sign up to go on: this chat comes with you.",
    cut: null,
    steps: ["Sign up"],
  },
  GUEST_OUTPUT_LIMIT: {
    refused: null,
    cut: "Answers to guests are kept short, and this one ended here. Sign up for whole answers.",
    steps: ["Sign up"],
  },
  UNAUTHENTICATED: {
    refused: "Your session has ended. Sign in again, and your message is still here.",
    cut: null,
    steps: ["Sign in again"],
  },
  TOO_MANY_REQUESTS: {
    refused: "There are too many requests just now.",
    cut: null,
    steps: AGAIN,
    isMostlyFree: true,
  },
  SPEND_LIMIT_REACHED: {
    refused: "The spending limit of the day is reached.",
    cut: "The spending limit of the day was reached here. What you see is kept.",
    steps: AGAIN,
    isMostlyFree: true,
  },
  LEDGER_UNAVAILABLE: {
    refused: "The service is restarting. Nothing was sent or charged. Try again in a moment.",
    cut: null,
    steps: AGAIN,
  },
  AUTH_UNAVAILABLE: {
    refused:
      "The sign-in service is restarting. Nothing was sent or charged. Try again in a moment.",
    cut: null,
    steps: AGAIN,
  },
  MODEL_NOT_FOUND: {
    refused: "This model is not offered here any more.",
    cut: null,
    steps: OTHER_MODEL,
  },
  PROVIDER_NOT_ENABLED: {
    refused: "This model is switched off here at the moment.",
    cut: null,
    steps: OTHER_MODEL,
  },
  MODEL_NOT_ALLOWED: {
    refused: "This model is not among those that you can use here.",
    cut: null,
    steps: OTHER_MODEL,
  },
  NETWORK_ERROR: {
    refused: "The connection broke before an answer came. Nothing you typed is lost.",
    cut: "The connection broke here. What you see is kept.",
    steps: AGAIN,
  },
  OFFLINE: {
    refused: "You are offline. Your message is kept: try again when you are back.",
    cut: "You went offline here. What you see is kept.",
    steps: AGAIN,
  },
  UPSTREAM_ERROR: {
    refused: "The model's provider failed.",
    cut: "The model's provider broke off here. What you see is kept.",
    steps: ["Try again", "Choose another model"],
    isMostlyFree: true,
  },
  UPSTREAM_TIMEOUT: {
    refused: "The model's provider did not answer in time.",
    cut: "The model's provider took too long and was cut off here.",
    steps: ["Try again", "Choose another model"],
    isMostlyFree: true,
  },
  DEADLINE_REACHED: {
    refused: null,
    cut: "The answer took too long and was ended here. What you see is kept.",
    steps: AGAIN,
  },
  EMPTY_ANSWER: {
    refused: null,
    cut: "The model gave an empty answer.",
    steps: ["Try again", "Choose another model"],
    isMostlyFree: true,
  },
  ANSWER_LOST: {
    refused: null,
    cut: "This was answered, but the answer was lost on the way.",
    steps: AGAIN,
  },
  OUTPUT_LIMIT_REACHED: {
    refused: null,
    cut: "The answer reached the longest that it may be, and ended here.",
    steps: OTHER_MODEL,
  },
  CONTENT_FILTER: {
    refused: null,
    cut: "The provider's content filter ended the answer here.",
    steps: EDIT,
  },
  REQUEST_TOO_LARGE: {
    refused: "This chat has become too long to send. Shorten the message, or begin a new chat.",
    cut: null,
    steps: EDIT,
  },
  // OpenAI's code; most providers have taken it over.
  context_length_exceeded: {
    refused:
      "This chat is longer than the model can read. Shorten the message, begin a new chat, " +
      "or choose a model that reads more.",
    cut: null,
    steps: ["Shorten", "Choose another model"],
  },
  INVALID_REQUEST: { refused: null, cut: null, steps: EDIT },
  INVALID_JSON: { refused: null, cut: null, steps: EDIT },
  BAD_ANSWER: { refused: null, cut: null, steps: AGAIN },
};

/** What may be done about a problem, most useful first. */
export function nextSteps({ code }: Problem): readonly NextStep[] {
  return ADVICE[code]?.steps ?? AGAIN;
}

/**
 * Why nothing came of a question. Anything may be given: what is no `FareboxError` is a bug of the page.
 * @param cost of what was begun, null where it is not known; not given where nothing was begun.
 */
export function problemOf(error: unknown, cost?: ChatCost | null): Problem {
  if (!(error instanceof FareboxError)) {
    console.error(error);
    return {
      code: "PAGE_ERROR",
      message: "Something in this page went wrong. Load it again if it does not go away.",
      retryAfterSeconds: null,
    };
  }
  const code = codeOf(error);
  const isFree = ADVICE[code]?.isMostlyFree && (cost === undefined || isNothing(cost));
  const message = [ADVICE[code]?.refused ?? error.message, isFree && FREE, evidenceOf(error)];
  // Days until free messages come back are nothing to count down.
  const waits = code === "TOO_MANY_REQUESTS" || code === "SPEND_LIMIT_REACHED";
  return {
    code,
    message: message.filter(Boolean).join(" "),
    retryAfterSeconds: waits ? error.retryAfterSeconds : null,
  };
}

/** Why an answer ended before its end. */
export function problemOfCut(reason: unknown): Problem {
  if (typeof reason !== "string") {
    const problem = problemOf(reason, null);
    // An error in the stream is in the provider's words: they do not know what is kept here.
    if (ADVICE[problem.code] === undefined && reason instanceof FareboxError) {
      return problemOfCut("UPSTREAM_ERROR");
    }
    return { ...problem, message: ADVICE[problem.code]?.cut ?? problem.message };
  }
  const message = ADVICE[reason]?.cut ?? "The answer ended early.";
  return { code: reason, message, retryAfterSeconds: null };
}

/** @param cost null where it is not known. */
export function problemOfEmpty(cost: ChatCost | null): Problem {
  const problem = problemOfCut("EMPTY_ANSWER");
  return isNothing(cost) ? { ...problem, message: `${problem.message} ${FREE}` } : problem;
}

/** An answer was given, and did not arrive. @param cost null where it is not known. */
export function problemOfLost(cost: ChatCost | null): Problem {
  const problem = problemOfCut("ANSWER_LOST");
  if (cost === null || isNothing(cost)) return problem;
  const message = `This was answered and charged (${formatCost(cost.cost)}), but the answer was ` +
    "lost on the way. To try again is charged again.";
  return { ...problem, message };
}

function isNothing(cost: ChatCost | null): boolean {
  return cost !== null && /^[0.]*$/.test(cost.cost);
}

function codeOf(error: FareboxError): string {
  if (error instanceof NetworkError && !navigator.onLine) return "OFFLINE";
  // What a provider finds wrong with the request, by a code of its own: the same again would be too.
  const isOfRequest = [400, 413, 422].includes(error.status ?? 0);
  return isOfRequest && ADVICE[error.code] === undefined ? "INVALID_REQUEST" : error.code;
}

/** What only this refusal knows. */
function evidenceOf(error: FareboxError): string | null {
  if (error instanceof InsufficientBalance && error.balance !== null) {
    return `You have ${formatBalance(error.balance)}.`;
  }
  if (error instanceof FreeLimitReached && error.windowEndsAt !== null) {
    const time = new Date(error.windowEndsAt).toLocaleString("en", {
      dateStyle: "medium",
      timeStyle: "short",
    });
    return `Free messages come back on ${time}.`;
  }
  return null;
}
