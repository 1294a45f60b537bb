import { assertEquals } from "@std/assert";
import { splitStatements } from "../../local/sql_statements.ts";

const texts = (script: string) => splitStatements(script).map((statement) => statement.text);

Deno.test("statements end at semicolons, and keep the line where they start", () => {
  assertEquals(splitStatements("select 1;\n\nselect 2;\n"), [
    { text: "select 1", line: 1 },
    { text: "select 2", line: 3 },
  ]);
});

for (
  const [name, statement] of [
    ["a string", "select 'a;''b;'"],
    ["an escaped string", String.raw`select E'\';'`],
    ["a quoted name", 'select ";" from "a"";b"'],
    ["a dollar quote", "do $$ begin perform 1; end; $$"],
    ["a tagged dollar quote", "do $body$ select $$;$$; $body$"],
    ["a line comment", "select 1 -- no; not here\n + 1"],
    ["a nested block comment", "select /* a; /* b; */ c; */ 1"],
    [
      "a standard function body",
      "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
    ],
  ] as const
) {
  Deno.test(`a semicolon within ${name} does not end the statement`, () => {
    assertEquals(texts(`${statement};\nselect 2;`), [statement, "select 2"]);
  });
}

Deno.test("a dollar sign within a name starts no quote", () => {
  assertEquals(texts("select a$1; select b$2;"), ["select a$1", "select b$2"]);
});

Deno.test("comments and empty statements alone are no statement", () => {
  assertEquals(texts("-- nothing\n;;\n/* nor here */\n"), []);
});
