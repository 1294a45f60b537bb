/**
 * How the elements of a page find its client. Elements may be in the page before there is one: they
 * wait. What is kept is kept for the whole page, for two bundles may each have a copy of this file.
 */
import type { Farebox } from "../client/farebox.ts";

type Listen = (farebox: Farebox | null) => void;
interface Registry {
  farebox: Farebox | null;
  readonly listeners: Set<Listen>;
}

const KEY = Symbol.for("farebox.registry");

/** Gives all elements of the page their client, at any time; another, or null, takes its place. */
export function provideFarebox(farebox: Farebox | null): void {
  const registry = registryOfPage();
  registry.farebox = farebox;
  for (const listen of [...registry.listeners]) listen(farebox);
}

/**
 * Calls with the page's client: at once where there is one, when it is provided, and when another
 * takes its place (null: none does).
 * @returns stops listening; `listen` is a function of its own for each call.
 */
export function whenFarebox(listen: Listen): () => void {
  const registry = registryOfPage();
  registry.listeners.add(listen);
  if (registry.farebox !== null) listen(registry.farebox);
  return () => void registry.listeners.delete(listen);
}

/** Registers an element, unless something has its name already or there is no browser. */
export function defineElement(name: string, element: CustomElementConstructor): void {
  const elements = globalThis.customElements;
  if (elements !== undefined && elements.get(name) === undefined) elements.define(name, element);
}

function registryOfPage(): Registry {
  const page = globalThis as { [KEY]?: Registry };
  return page[KEY] ??= { farebox: null, listeners: new Set() };
}
