import type { JsonObject, PricedFeature, RequestFault } from "../dialect.ts";
import { listOf } from "./gemini_fields.ts";
import { fault } from "./request_checks.ts";

/** What the answer may be made of beyond text; each has a price of its own. */
export function readFeatures(config: JsonObject): PricedFeature[] | RequestFault {
  const features = new Set<PricedFeature>();
  for (const modality of listOf(config.responseModalities)) {
    const name = typeof modality === "string" ? modality.toUpperCase() : null;
    if (name === "IMAGE") features.add("output_image");
    else if (name === "AUDIO") features.add("output_audio");
    else if (name !== "TEXT") {
      return fault(
        "Answers can be TEXT, IMAGE and AUDIO: other modalities cannot be metered.",
        "generationConfig.responseModalities",
      );
    }
  }
  // Settings of a voice or a picture are only sent to be heard or seen.
  if (config.speechConfig !== undefined) features.add("output_audio");
  if (config.imageConfig !== undefined) features.add("output_image");
  return [...features];
}
