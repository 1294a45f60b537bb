/** What the page keeps. Chats are stored in the browser as they are here. */
import type { ChatCost } from "../../client/types.ts";

/** Something that went wrong, as it is shown, with what may be done about it. */
export interface Problem {
  /** A `FareboxError`'s code. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds: number | null;
}

export interface Message {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly text: string;
  /** What the model thought, where it says so. */
  readonly reasoning: string;
  /** `provider:model` of an answer: who gave it. Of a question: whom it was put to. */
  readonly model: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /**
   * Of an answer. `cut`: the balance, a limit or the provider ended it early, see `problem` or
   * `cost.code`. `failed`: nothing came. A question is `complete`.
   */
  readonly state: "streaming" | "complete" | "stopped" | "cut" | "failed";
  readonly requestId: string | null;
  /** Null until it is known. */
  readonly cost: ChatCost | null;
  readonly problem: Problem | null;
}

export interface Chat {
  /** A UUID; the `x-chat-id` of its requests. */
  readonly id: string;
  /** From the first question. */
  readonly title: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** The model that is chosen in it. */
  readonly model: string;
  readonly messages: readonly Message[];
}

/** Who uses the page. `none`: has yet to choose between signing in and being a guest. */
export type Visitor =
  | { readonly kind: "loading" }
  | { readonly kind: "none" }
  | { readonly kind: "guest" }
  | { readonly kind: "user"; readonly id: string; readonly email: string };

/** The page's `settings.json`, beside `index.html`; written by the local stack or by the build. */
export interface PageSettings {
  /** The project's address. */
  readonly url: string;
  readonly publishableKey: string;
  readonly realtime: boolean;
  /** What the page calls itself; "Farebox" by default. */
  readonly name?: string;
  /** The local stack's ready account. */
  readonly demoUser?: { readonly email: string; readonly password: string };
  /**
   * Where "Add credits" leads: the address of the operator's shop, words, a command to run (the local
   * stack's; `{user}` in it is the user's id).
   */
  readonly addCredits?: {
    readonly url?: string;
    readonly text?: string;
    readonly command?: string;
  };
}
