/** What was spent on what. Its charts are loaded when they are looked at. */
import { useEffect } from "preact/hooks";
import { visitor } from "../state/session.ts";
import { GuestsHaveNoUsage } from "./guest_usage.tsx";

export function UsagePage() {
  useEffect(
    () => void import("../../elements/usage.ts").then((usage) => usage.defineFareboxUsage()),
    [],
  );
  if (visitor.value.kind !== "user") return <GuestsHaveNoUsage />;
  return (
    <div class="usage-page">
      <farebox-usage days="30" />
    </div>
  );
}
