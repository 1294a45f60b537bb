import type { RequestFault } from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { fault } from "./request_checks.ts";

/**
 * Servers written in Go (Ollama, many gateways) know a key of JSON in any capitalisation, K (U+212A)
 * for k and ſ (U+017F) for s included. To them `"N": 9` is nine answers, and `"MODEL"` goes before the
 * model that is reserved for. So a field that the proxy reads, checks or changes has one spelling
 * here, and a key that another server could take for it is refused.
 */

/** The names of such fields, by what their other spellings fold to. */
export type Spellings = ReadonlyMap<string, string>;

export function spellingsOf(names: Iterable<string>): Spellings {
  return new Map([...names].map((name) => [fold(name), name]));
}

/**
 * Refuses a key that is another spelling of one of the names.
 *
 * @param value what has the keys; anything but an object has none.
 * @param path where it is in the body, such as `stream_options.`
 * @param nameOf how this dialect itself reads a key; Gemini has two names for each field.
 */
export function checkSpelling(
  value: unknown,
  spellings: Spellings,
  path = "",
  nameOf = (key: string) => key,
): RequestFault | null {
  for (const key of Object.keys(objectOf(value) ?? {})) {
    const name = spellings.get(fold(nameOf(key)));
    if (name === undefined || name === nameOf(key)) continue;
    return fault(
      `The field ${JSON.stringify(key)} could be read as "${name}", past what is checked here. ` +
        `Write "${name}", or leave it out.`,
      path + key,
    );
  }
  return null;
}

/** The same for each object of a list, such as the messages. */
export function checkSpellings(
  list: unknown,
  spellings: Spellings,
  path: string,
  nameOf?: (key: string) => string,
): RequestFault | null {
  for (const [index, item] of arrayOf(list).entries()) {
    const problem = checkSpelling(item, spellings, `${path}[${index}].`, nameOf);
    if (problem !== null) return problem;
  }
  return null;
}

/** Upper case folds ſ into S, lower case the Kelvin sign into k. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}
