/** Copies a text, and says that it did. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { announcement } from "../state/conversation.ts";

const SAID_MS = 2_000;

export interface CopyButtonProps {
  readonly text: string;
  /** The accessible name; begins with "Copy". */
  readonly label: string;
}

export function CopyButton({ text, label }: CopyButtonProps) {
  const said = useSignal<"Copied" | "Could not copy" | null>(null);
  useEffect(() => {
    if (said.value === null) return;
    const timer = setTimeout(() => said.value = null, SAID_MS);
    return () => clearTimeout(timer);
  }, [said.value]);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
    } catch {
      // Refused, or plain http away from localhost.
      said.value = "Could not copy";
    }
    announcement.value = said.value;
  }
  return (
    <button
      type="button"
      class="act"
      aria-label={said.value ?? label}
      onClick={() => void copy()}
    >
      {said.value ?? "Copy"}
    </button>
  );
}
