import type { CountedOutput } from "../answer_so_far.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { createTextTokens } from "../text_tokens.ts";

/** What 2.5 models take for an image, and what the largest takes (ai.google.dev, pricing). */
const IMAGE_TOKENS = 1290;
const IMAGE_TOKENS_MAX = 2000;
/** 25 tokens a second, of 24,000 samples of 16 bits; base64 has 4 characters for 3 bytes. */
const SOUND_CHARACTERS_A_TOKEN = (24_000 * 2 / 25) * 4 / 3;

/** Counts what an answer delivered, for where no report comes. */
export interface Output extends CountedOutput {
  /** Takes the parts of a candidate; tells what of the answer they carry. */
  add(parts: unknown): "answer" | "thought" | "nothing";
}

export function createOutput(): Output {
  const text = createTextTokens();
  let [mediaTokens, mediaTokensMax] = [0, 0];

  /** Counts one part; true if it delivers anything. */
  function count(value: unknown): boolean {
    const part = objectOf(value);
    if (part === null) return false;
    let delivered = false;
    const add = (value: unknown) => {
      if (typeof value !== "string" || value === "") return;
      text.add(value);
      delivered = true;
    };
    add(part.text);
    add(objectOf(part.executableCode)?.code);
    for (const call of [objectOf(part.functionCall), objectOf(part.toolCall)]) {
      if (call === null) continue;
      add(call.name);
      if (call.args !== undefined && call.args !== null) add(jsonText(call.args));
      // Arguments that come in pieces, each with its place in them.
      for (const piece of arrayOf(call.partialArgs)) {
        const { jsonPath: _, willContinue: __, ...value } = objectOf(piece) ?? {};
        for (const item of Object.values(value)) {
          add(typeof item === "string" ? item : jsonText(item));
        }
      }
    }
    if (objectOf(part.inlineData) !== null) {
      countMedia(objectOf(part.inlineData)?.mimeType, objectOf(part.inlineData)?.data);
      delivered = true;
    }
    // What a tool found is not the model's output, but it is delivered.
    return delivered || objectOf(part.codeExecutionResult) !== null ||
      objectOf(part.toolResponse) !== null;
  }

  function countMedia(type: unknown, data: unknown): void {
    if (typeof type === "string" && type.startsWith("image/")) {
      mediaTokens += IMAGE_TOKENS;
      mediaTokensMax += IMAGE_TOKENS_MAX;
    } else if (typeof data === "string") {
      const tokens = Math.ceil(data.length / SOUND_CHARACTERS_A_TOKEN);
      mediaTokens += tokens;
      mediaTokensMax += tokens;
    }
  }

  return {
    add(parts) {
      let carries: "answer" | "thought" | "nothing" = "nothing";
      for (const part of arrayOf(parts)) {
        if (!count(part)) continue;
        if (objectOf(part)?.thought !== true) carries = "answer";
        else if (carries === "nothing") carries = "thought";
      }
      return carries;
    },
    estimate: () => text.estimate() + mediaTokens,
    upper: () => text.upper() + mediaTokensMax,
  };
}

/** JSON that nests too deep to be written again is delivered, and counts as nothing. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return " ";
  }
}
