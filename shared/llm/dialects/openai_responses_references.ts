import type { JsonObject, RequestFault, StoredReference } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import { checkSpelling, spellingsOf } from "./field_spelling.ts";
import { isHidden } from "./openai_responses_prompt.ts";
import { fault, isPresent } from "./request_checks.ts";

/**
 * What a request of the Responses API goes on from by its id alone. It lies at the provider in the
 * account that all users share, so whose it is has to be known from elsewhere.
 */

const CONVERSATION_FIELDS = spellingsOf(["id"]);

/** The references of a body, or what is wrong with one. */
export function readReferences(body: JsonObject): readonly StoredReference[] | RequestFault {
  const { previous_response_id: previous, conversation } = body;
  const references: StoredReference[] = [];
  const named: [param: string, id: unknown][] = [["previous_response_id", previous]];
  const fields = objectOf(conversation);
  if (fields === null) named.push(["conversation", conversation]);
  else {
    const misspelt = checkSpelling(fields, CONVERSATION_FIELDS, "conversation.");
    if (misspelt !== null) return misspelt;
    named.push(["conversation.id", fields.id ?? ""]);
  }
  for (const [index, item] of arrayOf(body.input).map(objectOf).entries()) {
    // What says all of itself is not looked up, whatever id it has.
    if (item !== null && isHidden(item)) {
      // Some providers have an empty one for none.
      named.push([`input[${index}].id`, item.id === "" ? null : item.id]);
    }
  }
  for (const [param, value] of named) {
    if (!isPresent(value)) continue;
    const id = textOf(value);
    if (id === null) return fault(`${param} must be an id, as text.`, param);
    references.push({ id, param });
  }
  return references;
}
