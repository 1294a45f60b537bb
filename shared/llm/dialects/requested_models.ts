import type { JsonObject, RequestFault } from "../dialect.ts";
import { fault, isPresent } from "./request_checks.ts";

const MODEL_NAME_LENGTH_MAX = 256;
/** As many as one reservation covers. */
const FALLBACK_MODELS_MAX = 8;

/** The model asked for, and those to try when it cannot answer. */
export interface RequestedModels {
  readonly kind: "models";
  readonly model: string;
  readonly fallbackModels: readonly string[];
}

/** Reads `model` and `models`: one of them is enough, and the first named is the model. */
export function readModels({ model, models }: JsonObject): RequestedModels | RequestFault {
  const listed = models ?? [];
  if (!Array.isArray(listed) || !listed.every(isModelName)) {
    return fault(`models must be a list of names, such as ["openai:gpt-4o"].`, "models");
  }
  const isNamed = isPresent(model);
  if (isNamed && !isModelName(model)) return fault(NAME_ONE, "model");
  const [first, ...others] = new Set<string>(isNamed ? [model as string, ...listed] : listed);
  if (first === undefined) return fault(NAME_ONE, "model");
  if (others.length > FALLBACK_MODELS_MAX) {
    return fault(
      `Name at most ${FALLBACK_MODELS_MAX} models to fall back on: there are ${others.length}.`,
      "models",
    );
  }
  return { kind: "models", model: first, fallbackModels: others };
}

const NAME_ONE = `Name one model as text, such as "openai:gpt-4o".`;

/** Whether it can be the name of a model. */
export function isModelName(name: unknown): name is string {
  return typeof name === "string" && name !== "" && name.length <= MODEL_NAME_LENGTH_MAX;
}
