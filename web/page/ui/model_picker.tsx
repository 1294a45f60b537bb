/** The model that the next message is put to. A native list under a face of its own. */
import type { Model } from "../../client/types.ts";
import { formatCost } from "../../elements/money_text.ts";
import { chooseModel, chosenModel, models, nameOf } from "../state/models.ts";
import { ChevronIcon } from "./icons.tsx";
import { MODEL_ID } from "./places.ts";

const PROVIDERS: Readonly<Record<string, string>> = {
  anthropic: "Anthropic",
  deepseek: "DeepSeek",
  google: "Google",
  groq: "Groq",
  mistral: "Mistral",
  openai: "OpenAI",
  openrouter: "OpenRouter",
  xai: "xAI",
};

export function ModelPicker() {
  const list = models.value;
  const chosen = chosenModel.value;
  const model = list.find(({ id }) => id === chosen);
  return (
    <div class="picker">
      <span class="picker-face" aria-hidden="true">
        <span class="picker-name">{model === undefined ? chosen : nameOf(model)}</span>
        {model && <span class="picker-price">{priceOf(model)}</span>}
        <ChevronIcon />
      </span>
      <select
        id={MODEL_ID}
        aria-label="Model"
        value={chosen}
        disabled={list.length === 0}
        onChange={(event) => chooseModel(event.currentTarget.value)}
      >
        {list.length === 0 && <option value={chosen}>{chosen}</option>}
        {[...byProvider(list)].map(([provider, group]) => (
          <optgroup key={provider} label={PROVIDERS[provider] ?? provider}>
            {group.map((one) => (
              <option key={one.id} value={one.id}>
                {`${nameOf(one)} · ${priceOf(one)} per 1K`}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}

function priceOf({ pricing }: Model): string {
  return `${formatCost(pricing.input_per_1k)} in, ${formatCost(pricing.output_per_1k)} out`;
}

function byProvider(list: readonly Model[]): Map<string, Model[]> {
  const groups = new Map<string, Model[]>();
  for (const model of list) {
    groups.set(model.owned_by, [...groups.get(model.owned_by) ?? [], model]);
  }
  return groups;
}
