import { assertEquals } from "@std/assert";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

Deno.test("docs/demo-provider.md names every order that the demo provider takes, and no other", async () => {
  const schema = /strictObject\(\{\n([^]*?)\n\}\);/.exec(
    await read("local/demo_provider/script.ts"),
  );
  const orders = [...schema![1]!.matchAll(/^ {2}(\w+): /gm)].map(([, name]) => name);
  const rows = (await read("docs/demo-provider.md")).matchAll(/^\| (`[^|]*`) +\|/gm);
  const named = [...rows].flatMap(([, cell]) => cell!.replaceAll("`", "").split(", "));
  assertEquals(named.sort(), orders.sort());
});
