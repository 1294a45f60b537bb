/** No price, no sale: what a request asks for beyond text needs a price of its own on the model. */
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { ModelRequest, PricedFeature } from "../../../shared/llm/dialect.ts";
import { modelName, type Price } from "../../../shared/pricing/price.ts";

const PRICE_OF: Record<PricedFeature, (price: Price) => unknown> = {
  input_audio: (price) => price.media.input_audio,
  output_audio: (price) => price.media.output_audio,
  output_image: (price) => price.media.output_image,
  web_search: (price) => price.webSearchFee,
};

const WORDS: Record<PricedFeature, string> = {
  input_audio: "sound in the prompt",
  output_audio: "spoken answers",
  output_image: "images in the answer",
  web_search: "web searches",
};

/** Refuses the first feature of the request that the model has no price for. */
export function unpricedFeature(request: ModelRequest, price: Price): Refusal | undefined {
  const feature = request.features.find((name) => PRICE_OF[name](price) === null);
  return feature && {
    code: "INVALID_REQUEST",
    message: `There is no price for ${WORDS[feature]} with ${modelName(price)}, so it cannot be ` +
      "sold here. Leave it out, or use a model that has one.",
  };
}
