import { assertEquals } from "@std/assert";
import { paintFor, table } from "../../cli/table.ts";

Deno.test("a cell cannot steer the terminal: control characters are shown as question marks", () => {
  const lines = table([{ title: "MODEL" }], [["gpt\x1b[2J\n4o"]], paintFor(false));
  assertEquals(lines, ["  MODEL", "  gpt?[2J?4o"]);
});
