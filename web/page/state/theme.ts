/** Light or dark: the system's choice, until somebody chooses here. */
import { effect, signal } from "@preact/signals";
import { browserStorage } from "./browser_storage.ts";

export type Theme = "light" | "dark";

const THEME_KEY = "farebox-theme";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** What is shown. */
export const theme = signal<Theme>(chosen() ?? ofSystem());

export function chooseTheme(next: Theme): void {
  browserStorage.setItem(THEME_KEY, next);
  theme.value = next;
}

/** Shows the theme, follows the system while nothing is chosen, and other tabs' choices. */
export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  const follow = () => {
    theme.value = chosen() ?? ofSystem();
  };
  systemIsDark.addEventListener("change", follow);
  addEventListener("storage", (event) => {
    if (event.key === THEME_KEY) follow();
  });
}

function chosen(): Theme | null {
  const value = browserStorage.getItem(THEME_KEY);
  return value === "light" || value === "dark" ? value : null;
}

function ofSystem(): Theme {
  return systemIsDark.matches ? "dark" : "light";
}
