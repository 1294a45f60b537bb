/** A password that can be looked at while it is typed. */
import { useId, useState } from "preact/hooks";

export interface PasswordFieldProps {
  /** For password managers: `new-password` offers one, `current-password` fills in the known one. */
  readonly autocomplete: "new-password" | "current-password";
  readonly hint?: string;
}

export function PasswordField({ autocomplete, hint }: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Password</label>
      <div class="with-button">
        <input
          id={id}
          name="password"
          {...(isShown ? { type: "text" as const } : { type: "password" as const })}
          autocomplete={autocomplete}
          autocapitalize="none"
          spellcheck={false}
          required
          {...(hint === undefined ? {} : { "aria-describedby": `${id}-hint` })}
        />
        <button
          type="button"
          class="in-field"
          aria-pressed={isShown}
          aria-label="Show what is typed"
          onClick={() => setShown(!isShown)}
        >
          {isShown ? "Hide" : "Show"}
        </button>
      </div>
      {hint !== undefined && <p class="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}
