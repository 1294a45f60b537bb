/** The objects of one JSON array that may be larger than memory. */

/** A line is at most 10,000 characters, and an export says little around it. */
export const ENTRY_CHARS_MAX = 1_000_000;

/**
 * Cuts the outermost objects of an array out of a text; what is between them is passed over, so
 * `{"result":[…]}` is read as its array is. An object that is too long is given as its beginning, and
 * so is one that the text ends in.
 *
 * @param read makes of an object's text, and the line that it begins on, what is yielded.
 */
export async function* readArray<T>(
  text: AsyncIterable<string>,
  read: (text: string, line: number) => T,
): AsyncGenerator<T> {
  let line = 1;
  let beganOn = 1;
  /** Braces that are open, counted once the array has begun. */
  let depth = 0;
  let isInArray = false;
  let isInString = false;
  let isEscaped = false;
  let object = "";
  for await (const chunk of text) {
    // Where in this chunk the object that is being read begins or goes on.
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const char = chunk[i];
      if (char === "\n") line++;
      if (isEscaped) isEscaped = false;
      else if (isInString) {
        if (char === "\\") isEscaped = true;
        else if (char === '"') isInString = false;
      } else if (char === '"') isInString = true;
      else if (char === "[" && !isInArray) isInArray = true;
      else if (char === "{" && isInArray && ++depth === 1) {
        from = i;
        beganOn = line;
      } else if (char === "}" && depth > 0 && --depth === 0) {
        yield read(object + chunk.slice(from, i + 1), beganOn);
        object = "";
      }
    }
    if (depth > 0) object = (object + chunk.slice(from)).slice(0, ENTRY_CHARS_MAX);
  }
  if (depth > 0) yield read(object, beganOn);
}
