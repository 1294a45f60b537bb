/** Named after what it changes to. */
import { chooseTheme, theme } from "../state/theme.ts";
import { MoonIcon, SunIcon } from "./icons.tsx";

export function ThemeToggle() {
  const isDark = theme.value === "dark";
  const name = isDark ? "Light theme" : "Dark theme";
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={name}
      title={name}
      onClick={() => chooseTheme(isDark ? "light" : "dark")}
    >
      {isDark ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}
