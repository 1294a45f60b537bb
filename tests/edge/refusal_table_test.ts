/** The README's table of refusals, held to the code. */
import { assert, assertEquals } from "@std/assert";

const read = (path: string) => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));

Deno.test("every code that a caller can be told stands in the README, with its status, and no other does", () => {
  const told = new Map<string, string>();
  // Codes that share an answer stand one below the other, before its status.
  const pattern = /((?:\s*case "[A-Z_]+":)+)[^]*?status: (\d{3})/g;
  for (const [, cases, status] of read("shared/edge/respond.ts").matchAll(pattern)) {
    for (const [, code] of cases!.matchAll(/"([A-Z_]+)"/g)) told.set(code!, status!);
  }
  const union = read("shared/edge/refusal.ts").matchAll(/\bcode: "([A-Z_]+)"/g);
  assertEquals([...told.keys()].sort(), [...new Set([...union].map(([, code]) => code!))].sort());

  const table = read("README.md").split("\n| refusal ")[1]!.split("\n\n")[0]!;
  const documented = new Map<string, string>();
  for (const row of table.split("\n").slice(2)) {
    const [codes = "", statuses = ""] = row.split("|").slice(1);
    const names = [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code!);
    const each = statuses.split(",").map((status) => status.trim());
    assert(names.length > 0 && (each.length === 1 || each.length === names.length), row);
    names.forEach((name, at) => documented.set(name, each[at] ?? each[0]!));
  }
  assertEquals(documented, told);
});
