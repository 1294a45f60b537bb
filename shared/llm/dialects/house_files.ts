import type { JsonObject } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { spellingsOf } from "./field_spelling.ts";
import { isPresent } from "./request_checks.ts";

/**
 * Files that lie at the provider are reached with the key of the account that pays here, which all
 * users share: whoever knows the id of another's file could read it. So none may be named. Answers
 * that lie there may, by whom they were given to (docs/adr/0018).
 */
export const WHY_NO_FILES =
  "Files at the provider belong to the account that pays here, which all users share: this one " +
  "could be another's. Send the content itself.";

/** Where a part has the file that it is made of, beside its own top. */
const PLACES = ["file", "source", "document", "image", "image_url", "input_audio", "video_url"];

/** What decides what a part of a prompt is, and which file it names. */
export const PART_FIELDS = spellingsOf(["type", "file_id", ...PLACES]);

/** Whether a part of a prompt names a file that lies at the provider. */
export function namesFile(part: JsonObject): boolean {
  return objectOf(part.source)?.type === "file" ||
    [part, ...PLACES.map((name) => objectOf(part[name]))].some((place) =>
      isPresent(place?.file_id)
    );
}
