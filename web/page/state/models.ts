/** The models that can be asked, and which one is. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Model } from "../../client/types.ts";
import { changeChat, openChat } from "./shown_chats.ts";
import { problemOf } from "./problems.ts";
import { services } from "./services.ts";
import type { Problem } from "./types.ts";

const LAST_MODEL_KEY = "farebox-model";
/** Known to many people; where it is not offered, the first of the list. */
const FIRST_CHOICE = "openai:gpt-4o";

const listed = signal<readonly Model[]>([]);

/** Refused since the page was loaded: the list may still have them for some minutes. */
const refused = signal<ReadonlySet<string>>(new Set());

/** Empty until `loadModels` has ended. */
export const models: ReadonlySignal<readonly Model[]> = computed(() =>
  listed.value.filter(({ id }) => !refused.value.has(id))
);

/** Why there is no list; null while it loads first and where it is there. */
export const problemOfModels = signal<Problem | null>(null);

const lastModel = signal<string | null>(readLastModel());

/** What was chosen, here or in an earlier chat; null: nothing yet. */
const wantedModel = computed(() => openChat.value?.model || lastModel.value);

/** `provider:model` that the next question is put to. Without a list it is a guess: the proxy knows. */
export const chosenModel: ReadonlySignal<string> = computed(() => {
  const wanted = wantedModel.value;
  if (models.value.length === 0) return wanted ?? FIRST_CHOICE;
  return modelById(models.value, wanted)?.id ?? replacementOf(wanted, models.value).id;
});

/** Says that the chosen model is gone, and what takes its place; null where it is there. */
export const problemOfChoice: ReadonlySignal<Problem | null> = computed(() => {
  const wanted = wantedModel.value;
  if (wanted === null || models.value.length === 0 || modelById(models.value, wanted)) return null;
  const instead = nameOf(replacementOf(wanted, models.value));
  return {
    code: "MODEL_NOT_FOUND",
    message: `${wanted} is not offered here any more. Your next message goes to ${instead}.`,
    retryAfterSeconds: null,
  };
});

let loading: Promise<void> | null = null;

/** Loads the list, once at a time. `problemOfModels` says why where it cannot be had. */
export function loadModels(): Promise<void> {
  return loading ??= load().finally(() => {
    loading = null;
  });
}

/** The ledger has refused it, whatever the list says. The list is loaded anew. */
export function dropModel(id: string): void {
  refused.value = new Set(refused.value).add(id);
  void loadModels();
}

/** Somebody else may be offered others. */
export function loadModelsAnew(): void {
  refused.value = new Set();
  void loadModels();
}

/** For the open chat, and for the next new one. */
export function chooseModel(id: string): void {
  lastModel.value = id;
  try {
    localStorage.setItem(LAST_MODEL_KEY, id);
  } catch {
    // It is remembered as long as the page is open.
  }
  const chat = openChat.peek();
  if (chat !== null) changeChat(chat.id, (one) => ({ ...one, model: id }));
}

/** For people. */
export function nameOf(model: Model): string {
  return model.name ?? model.id;
}

async function load(): Promise<void> {
  try {
    listed.value = (await services().farebox.models()).filter(({ dialects }) =>
      dialects.includes("openai-chat")
    );
    problemOfModels.value = null;
  } catch (error) {
    // An older list is better than none.
    if (listed.value.length === 0) problemOfModels.value = problemOf(error);
  }
}

function modelById(list: readonly Model[], id: string | null): Model | undefined {
  return list.find((model) => model.id === id);
}

/** Of the same provider, if it still has one. */
function replacementOf(wanted: string | null, list: readonly Model[]): Model {
  const provider = wanted?.split(":")[0];
  const found = modelById(list, wanted === null ? FIRST_CHOICE : null) ??
    list.find(({ owned_by }) => owned_by === provider) ?? modelById(list, FIRST_CHOICE) ?? list[0];
  if (found === undefined) throw new Error("Cannot replace a model by one of an empty list");
  return found;
}

function readLastModel(): string | null {
  try {
    return localStorage.getItem(LAST_MODEL_KEY);
  } catch {
    return null;
  }
}
