/** Assertions that tell the compiler what they have shown: those of the library come without types. */
import * as library from "@std/assert";

export function assert(condition: unknown, message?: string): asserts condition {
  library.assert(condition, message);
}

export function assertInstanceOf<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
): asserts value is T {
  library.assertInstanceOf(value, type);
}
