import { assertEquals } from "@std/assert";
import { boundJson } from "../../shared/edge/json_bounds.ts";
import { refusalOf } from "./outcomes.ts";

const messageOf = (text: string) => refusalOf(boundJson(text)).message;
const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

Deno.test("JSON of 100 levels passes, and of 101 does not, closed or not", () => {
  assertEquals(boundJson(nested(100)), null);
  for (const text of [nested(101), "[".repeat(101), `{"a":${nested(100)}}`]) {
    assertEquals(messageOf(text), "The body is nested more than 100 levels deep. Flatten it.");
  }
});

Deno.test("levels that lie beside each other do not add up", () => {
  assertEquals(boundJson(`[${Array(1_000).fill(nested(99)).join(",")}]`), null);
});

Deno.test("JSON of more than 250,000 values does not pass, whatever they are", () => {
  const message = "The body has more than 250000 values. Send fewer messages or parts.";
  for (const value of ["1", "[]", "{}", `"a"`, `{"a":1}`, "null"]) {
    const many = (count: number) => `[${Array(count).fill(value).join(",")}]`;
    assertEquals(boundJson(many(100_000)), null);
    assertEquals(messageOf(many(250_001)), message);
  }
});

Deno.test("what stands in a string is text, escapes and quotes included", () => {
  const brackets = "[{,".repeat(200_000);
  for (
    const text of [
      brackets,
      `${brackets}"`,
      `\\${brackets}`,
      `\\"${brackets}\\`,
      `"\\\\"${brackets}`,
    ]
  ) {
    assertEquals(boundJson(JSON.stringify({ [text]: text })), null);
  }
  assertEquals(messageOf(`["\\\\",${"[".repeat(200)}`).includes("nested"), true);
  assertEquals(boundJson(`["never closed ${brackets}`), null);
});

Deno.test("what is no JSON is left to the parser", () => {
  for (const text of ["", "x", "]]]", '"', "\\", '"\\']) assertEquals(boundJson(text), null);
});
