import type { JsonObject } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";

/**
 * Google's API takes every field under two names, `maxOutputTokens` and `max_output_tokens` (the JSON
 * mapping of protocol buffers). Whoever checks only one lets the other pass unseen: here all fields
 * are read under the first.
 */

/** The fields of an object by their camelCase names; `null` is absent. `null` for what is no object. */
export function fieldsOf(value: unknown): JsonObject | null {
  const object = objectOf(value);
  if (object === null) return null;
  // No prototype: a field "__proto__" is a field like any other.
  const fields: Record<string, unknown> = Object.create(null);
  for (const [name, item] of Object.entries(object)) {
    if (item !== null) fields[camelCase(name)] = item;
  }
  return fields;
}

/** A repeated field: Google takes one value for a list of one. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** The name that an object has this field under, or `null`. */
export function nameOf(object: JsonObject, field: string): string | null {
  return Object.keys(object).find((name) => camelCase(name) === field) ?? null;
}

/**
 * A field that is there under both names, of which the provider's guess decides; `null` if none. Must
 * not be given what is nested without bounds.
 */
export function fieldNamedTwice(value: unknown): string | null {
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = fieldNamedTwice(item);
      if (found !== null) return found;
    }
    return null;
  }
  const object = objectOf(value);
  if (object === null) return null;
  const seen = new Set<string>();
  for (const [name, item] of Object.entries(object)) {
    const field = camelCase(name);
    if (seen.has(field)) return field;
    seen.add(field);
    const found = FREE_FORM.has(field) ? null : fieldNamedTwice(item);
    if (found !== null) return found;
  }
  return null;
}

/** Fields whose contents are the client's own JSON: two names in there are two names. */
const FREE_FORM = new Set([
  ...["args", "response", "parameters", "parametersJsonSchema", "responseSchema"],
  ...["responseJsonSchema", "schema", "partMetadata", "labels"],
]);

/** The first of a field's two names, of either. In one pass: a name can be a body of underscores. */
export function camelCase(name: string): string {
  if (!name.includes("_")) return name;
  return name.replace(
    /_+([^_]?)/g,
    (asWritten, next) => /[a-z0-9]/i.test(next) ? next.toUpperCase() : asWritten,
  );
}
