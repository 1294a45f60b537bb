import type { JsonObject } from "../dialect.ts";
import { fieldsOf, listOf } from "./gemini_fields.ts";

/** What one part of a prompt is made of, as far as its tokens go. */
export interface PartReading {
  readonly kind: "part";
  /** The objects that hold an image's bytes, in their field `data`. */
  readonly images: readonly JsonObject[];
  /** What the model reads as text. */
  readonly texts: readonly string[];
  /** True where its tokens cannot be told from here. */
  readonly hidesInput: boolean;
  /** True where it may hold sound, which has a price of its own. */
  readonly hasSound: boolean;
}

/** Why a part cannot be served. */
export interface PartRefusal {
  readonly kind: "refused";
  readonly why: string;
}

/** Images that are one picture and a bounded number of tokens (ai.google.dev, image understanding). */
const IMAGE_TYPES = /^image\/(png|jpe?g|webp|heic|heif)$/i;
/** Files that hold no sound; any other may, as a video does. */
const SILENT_TYPES = /^(image|text)\/|^application\/(pdf|json|xml|rtf)$/i;
/** Resolutions that the model's dearest image covers; a part may ask for more. */
const RESOLUTIONS = /^MEDIA_RESOLUTION_(LOW|MEDIUM|HIGH|UNSPECIFIED)$/i;

/** Parts that the model reads as the JSON they are. */
const JSON_PARTS = [
  ...["functionCall", "executableCode", "codeExecutionResult", "toolCall", "toolResponse"],
] as const;

const KNOWN_FIELDS = new Set<string>([
  ...["text", "inlineData", "fileData", "functionResponse", ...JSON_PARTS, "audioTranscription"],
  ...["thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"],
  ...["speechMetadata"],
]);

/** Reads one part of a prompt, or says why it cannot be metered. */
export function readPart(value: unknown): PartReading | PartRefusal {
  const part = fieldsOf(value);
  if (part === null) return refused('Each part must be an object, such as {"text":"Hello"}.');
  const unknown = Object.keys(part).find((name) => !KNOWN_FIELDS.has(name));
  if (unknown !== undefined) {
    return refused(
      `A part with ${
        JSON.stringify(unknown.slice(0, 40))
      } cannot be metered. Send its text instead.`,
    );
  }
  const readings: (PartReading | PartRefusal)[] = [];
  if (part.inlineData !== undefined) readings.push(readBlob(part.inlineData, part));
  if (part.fileData !== undefined) readings.push(readFile(part.fileData));
  const response = fieldsOf(part.functionResponse);
  // What a function answers may have pictures and files beside its JSON.
  for (const nested of listOf(response?.parts)) readings.push(readPart(nested));
  const refusal = readings.find((reading) => reading.kind === "refused");
  if (refusal !== undefined) return refusal;
  const nested = readings.filter((reading) => reading.kind === "part");
  return {
    kind: "part",
    images: nested.flatMap((reading) => reading.images),
    texts: [...textsOf(part, response), ...nested.flatMap((reading) => reading.texts)],
    hidesInput: nested.some((reading) => reading.hidesInput),
    hasSound: nested.some((reading) => reading.hasSound),
  };
}

function textsOf(part: JsonObject, response: JsonObject | null): string[] {
  const texts = typeof part.text === "string" ? [part.text] : [];
  for (const name of JSON_PARTS) {
    if (part[name] !== undefined) texts.push(JSON.stringify(part[name]));
  }
  if (response !== null) texts.push(JSON.stringify([response.name, response.response]));
  return texts;
}

const NOTHING_READ: PartReading = {
  kind: "part",
  images: [],
  texts: [],
  hidesInput: false,
  hasSound: false,
};

/** Bytes within the request: an image, or what nobody can count from here. */
function readBlob(value: unknown, part: JsonObject): PartReading | PartRefusal {
  const blob = fieldsOf(value);
  if (blob === null) return refused("inlineData must be an object with mimeType and data.");
  const type = mimeTypeOf(blob);
  if (IMAGE_TYPES.test(type) && isCoveredResolution(part.mediaResolution)) {
    return { ...NOTHING_READ, images: [value as JsonObject] };
  }
  return { ...NOTHING_READ, hidesInput: true, hasSound: !SILENT_TYPES.test(type) };
}

function isCoveredResolution(value: unknown): boolean {
  if (value === undefined) return true;
  const resolution = fieldsOf(value);
  return typeof resolution?.level === "string" && RESOLUTIONS.test(resolution.level) &&
    resolution.numTokens === undefined;
}

/**
 * A file elsewhere. Files at Google and in its buckets are reached with the key of the account that
 * pays here, which all users share: one must not read another's, nor the house's. So only public
 * addresses are passed on, YouTube's among them.
 */
function readFile(value: unknown): PartReading | PartRefusal {
  const file = fieldsOf(value);
  if (typeof file?.fileUri !== "string") {
    return refused("fileData must be an object with a fileUri.");
  }
  if (!isPublicAddress(file.fileUri)) {
    return refused(
      "Files at Google belong to the account that pays here, which all users share. Send the file " +
        "as inlineData, or as a public https address.",
    );
  }
  return { ...NOTHING_READ, hidesInput: true, hasSound: !SILENT_TYPES.test(mimeTypeOf(file)) };
}

const HOUSE_HOSTS = /(^|\.)(googleapis|google|googleusercontent)\.com\.?$/;

function isPublicAddress(uri: string): boolean {
  // As text, for what Google parses otherwise than we do must not pass for another host.
  const host = /^https:\/\/([a-z0-9.-]+)(:443)?(\/|$)/i.exec(uri)?.[1]?.toLowerCase();
  return host !== undefined && host.includes(".") && !HOUSE_HOSTS.test(host);
}

/** The type without its parameters, such as the rate of a sound; empty where it is not said. */
function mimeTypeOf(fields: JsonObject): string {
  return typeof fields.mimeType === "string" ? fields.mimeType.split(";", 1)[0]!.trim() : "";
}

function refused(why: string): PartRefusal {
  return { kind: "refused", why };
}
