/** The usage page of somebody without an account. */
import { dialog } from "../state/dialogs.ts";

export function GuestsHaveNoUsage() {
  return (
    <div class="usage-page">
      <p class="lead">
        What guests ask is free, so there is nothing to list. With an account, each answer's price
        and receipt is found here.
      </p>
      <button
        type="button"
        class="button primary"
        onClick={() => dialog.value = { kind: "sign-up" }}
      >
        Create an account
      </button>
    </div>
  );
}
