/** What Auth answers, as a sentence for whoever filled in the form. */
import type { Problem } from "./types.ts";

const SENTENCES: Readonly<Record<string, string>> = {
  user_already_exists: "There is an account with this e-mail already.",
  email_exists: "There is an account with this e-mail already.",
  invalid_credentials: "The e-mail or the password is not right.",
  email_not_confirmed:
    "This e-mail has yet to be confirmed: open the link in the message that was sent to it.",
  email_address_invalid: "This does not look like an e-mail address that can be written to.",
  signup_disabled: "New accounts cannot be created here at the moment.",
  over_request_rate_limit: "Too many attempts. Wait a minute, then try again.",
  over_email_send_rate_limit: "Too many messages were sent. Wait a few minutes, then try again.",
};

/** @param error what supabase-js gave or threw. */
export function problemOfAuth(error: unknown): Problem {
  const { code, status, message } = factsOf(error);
  if (code === "weak_password") {
    return problem(code, message || "The password is too easy to guess: take a longer one.");
  }
  const sentence = SENTENCES[code];
  if (sentence !== undefined) return problem(code, sentence);
  if (status === 429) return problem(code, SENTENCES.over_request_rate_limit ?? message);
  if (status === 0 || status === null) {
    return problem(
      "NETWORK_ERROR",
      "The project does not answer. Check your connection, then try again.",
    );
  }
  if (status >= 500 && !code.startsWith("hook_")) {
    return problem(code, "Signing in does not work at the moment. Try again in a minute.");
  }
  // What the sign-up hook of the project says is meant for people.
  return problem(code, message || "That did not work. Try again.");
}

function problem(code: string, message: string): Problem {
  return { code, message, retryAfterSeconds: null };
}

function factsOf(error: unknown): { code: string; status: number | null; message: string } {
  const facts = typeof error === "object" && error !== null ? error : {};
  const code = "code" in facts && typeof facts.code === "string" ? facts.code : "";
  const status = "status" in facts && typeof facts.status === "number" ? facts.status : null;
  const message = "message" in facts && typeof facts.message === "string" ? facts.message : "";
  return { code, status, message };
}
