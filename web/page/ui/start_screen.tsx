/** The first thing that a visitor sees. */
import { useSignal } from "@preact/signals";
import { dialog } from "../state/dialogs.ts";
import { services } from "../state/services.ts";
import { continueAsGuest, problemOfSession, signIn } from "../state/session.ts";
import { Mark } from "./icons.tsx";
import { ThemeToggle } from "./theme_toggle.tsx";

export function StartScreen() {
  const { settings } = services();
  return (
    <div class="start">
      <header class="start-head">
        <ThemeToggle />
      </header>
      <main class="start-main" id="main" tabindex={-1}>
        <div class="start-words">
          <Mark />
          <h1>{settings.name ?? "Farebox"}</h1>
          <p class="start-lead">
            Chat with the best language models, and pay for each answer to the token.
          </p>
          <div class="start-choices">
            <button
              type="button"
              class="button primary large"
              onClick={() => dialog.value = { kind: "sign-up" }}
            >
              Sign up
            </button>
            <button
              type="button"
              class="button large"
              onClick={() => dialog.value = { kind: "sign-in" }}
            >
              Sign in
            </button>
            <button
              type="button"
              class="button quiet large"
              onClick={() => void continueAsGuest()}
            >
              Continue as guest
            </button>
          </div>
          {settings.demoUser !== undefined && <DemoAccount user={settings.demoUser} />}
        </div>
        <Ticket />
      </main>
    </div>
  );
}

function DemoAccount({ user }: { readonly user: { email: string; password: string } }) {
  const isRunning = useSignal(false);
  const enter = async () => {
    isRunning.value = true;
    await signIn(user.email, user.password);
    isRunning.value = false;
  };
  return (
    <div class="start-demo">
      <p>This page runs on your own machine.</p>
      <button type="button" class="link" disabled={isRunning.value} onClick={enter}>
        Use the demo account
      </button>
      {problemOfSession.value !== null && dialog.value === null && (
        <p role="alert" class="form-problem">{problemOfSession.value.message}</p>
      )}
    </div>
  );
}

/** An example of what is below each answer. */
function Ticket() {
  return (
    <figure class="ticket">
      <figcaption>A receipt for each answer</figcaption>
      <dl>
        <dt>8 tokens in</dt>
        <dd>$0.00002</dd>
        <dt>104 tokens out</dt>
        <dd>$0.00104</dd>
        <dt class="total">This answer</dt>
        <dd class="total">$0.00106</dd>
      </dl>
      <p>Prepaid and exact. No subscription.</p>
    </figure>
  );
}
