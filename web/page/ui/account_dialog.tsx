/** "Create an account" and "Sign in": one dialog, so that a typed e-mail outlives the change. */
import { useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { dialog } from "../state/dialogs.ts";
import {
  confirmationSentTo,
  endedSessionOf,
  problemOfSession,
  signIn,
  signUp,
  visitor,
} from "../state/session.ts";
import { Modal } from "./modal.tsx";
import { PasswordField } from "./password_field.tsx";

export function AccountDialog({ kind }: { readonly kind: "sign-in" | "sign-up" }) {
  const email = useSignal(endedSessionOf.value ?? "");
  useEffect(() => () => {
    problemOfSession.value = null;
    confirmationSentTo.value = null;
  }, []);
  const isNew = kind === "sign-up";
  if (confirmationSentTo.value !== null && isNew) return <ConfirmationSent />;
  return (
    <Modal title={isNew ? "Create an account" : "Sign in"}>
      <Lead isNew={isNew} />
      <AccountForm
        key={kind}
        isNew={isNew}
        email={email.value}
        onEmail={(value) => email.value = value}
      />
      <p class="switch">
        {isNew ? "You have an account?" : "You are new here?"}{" "}
        <button type="button" class="link" onClick={() => change(isNew ? "sign-in" : "sign-up")}>
          {isNew ? "Sign in instead" : "Create an account instead"}
        </button>
      </p>
    </Modal>
  );
}

function Lead({ isNew }: { readonly isNew: boolean }) {
  if (endedSessionOf.value !== null && !isNew) {
    return <p class="note">Your session has ended. Sign in again to go on: nothing is lost.</p>;
  }
  if (visitor.value.kind === "guest") return <p class="lead">Your conversation comes with you.</p>;
  return null;
}

interface AccountFormProps {
  readonly isNew: boolean;
  readonly email: string;
  readonly onEmail: (email: string) => void;
}

function AccountForm({ isNew, email, onEmail }: AccountFormProps) {
  const isRunning = useSignal(false);
  const emailId = useId();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isRunning.value || !(event.target instanceof HTMLFormElement)) return;
    const password = String(new FormData(event.target).get("password") ?? "");
    isRunning.value = true;
    await (isNew ? signUp(email.trim(), password) : signIn(email.trim(), password));
    isRunning.value = false;
  };
  return (
    <form class="form" onSubmit={submit} aria-busy={isRunning.value}>
      <div class="field">
        <label for={emailId}>E-mail</label>
        <input
          id={emailId}
          name="email"
          type="email"
          inputmode="email"
          autocomplete={isNew ? "email" : "username"}
          autocapitalize="none"
          spellcheck={false}
          required
          autofocus
          value={email}
          onInput={(event) => onEmail(event.currentTarget.value)}
        />
      </div>
      <PasswordField autocomplete={isNew ? "new-password" : "current-password"} />
      <FormProblem />
      <button type="submit" class="button primary wide" disabled={isRunning.value}>
        {isNew ? "Create account" : "Sign in"}
      </button>
    </form>
  );
}

function FormProblem() {
  const problem = problemOfSession.value;
  if (problem === null) return null;
  return (
    <p class="form-problem" role="alert" data-code={problem.code}>
      {problem.message}
    </p>
  );
}

function ConfirmationSent() {
  return (
    <Modal title="Confirm your e-mail">
      <p class="lead" role="status">
        Open the link that was sent to{" "}
        <strong>{confirmationSentTo.value}</strong>, then sign in here. If you have an account with
        this e-mail already, sign in with its password.
      </p>
      <button
        type="button"
        class="button primary wide"
        onClick={() => change("sign-in")}
      >
        Sign in
      </button>
    </Modal>
  );
}

function change(kind: "sign-in" | "sign-up"): void {
  problemOfSession.value = null;
  confirmationSentTo.value = null;
  dialog.value = { kind };
}
