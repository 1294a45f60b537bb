/** The sidebar of a narrow window: closed until "Menu" opens it. */
import { computed, effect, signal } from "@preact/signals";
import { dialog } from "./dialogs.ts";
import { route } from "./route.ts";

/** As in styles/layout.css. */
const narrow = matchMedia("(max-width: 760px)");

export const isNarrow = signal(narrow.matches);
const isAskedFor = signal(false);

/** Always false in a wide window: the sidebar is simply there. */
export const isDrawerOpen = computed(() => isNarrow.value && isAskedFor.value);

export function openDrawer(): void {
  isAskedFor.value = true;
}

export function closeDrawer(): void {
  isAskedFor.value = false;
}

narrow.addEventListener("change", () => {
  isNarrow.value = narrow.matches;
  closeDrawer();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && dialog.value === null) closeDrawer();
});
// Whoever chose a chat wants to see it.
effect(() => {
  route.value;
  closeDrawer();
});
