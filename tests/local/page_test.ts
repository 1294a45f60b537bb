import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basename, dirname, join } from "node:path";
import { hashOfBuilder, pageOfSources } from "../../local/page.ts";
import { WEB } from "../../web/build_bundle.ts";

const ask = (path: string) => new Request(`http://127.0.0.1/${path}`);

/** Runs `test` with a folder for builds, which need not exist yet. */
async function withCache(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-pages-" });
  try {
    await test(join(folder, "pages"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const foldersIn = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

Deno.test("the page is built when it is first asked for, and served with its files under a strict policy", async () => {
  await withCache(async (cacheFolder) => {
    const lines: string[] = [];
    const page = pageOfSources({ cacheFolder, log: (line) => lines.push(line) });
    assertEquals(await Deno.stat(cacheFolder).catch(() => null), null);
    const response = await page.fetch(ask(""));
    const html = await response.text();
    assertEquals(lines, []);
    assertEquals(response.status, 200);
    const policy = response.headers.get("content-security-policy") ?? "";
    assertStringIncludes(policy, "frame-ancestors 'none'");
    assert(!policy.includes("unsafe"), policy);
    const assets = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name = ""]) => name);
    assertEquals(assets.length, 2);
    for (const name of assets) {
      const asset = await page.fetch(ask(name));
      await asset.body?.cancel();
      assertEquals(asset.status, 200, name);
      assertMatch(asset.headers.get("content-type") ?? "", /^text\/(css|javascript)/, name);
    }
  });
});

Deno.test("stacks that are asked at the same time share one whole build, and leave nothing half-made", async () => {
  await withCache(async (cacheFolder) => {
    const pages = [1, 2, 3].map(() => pageOfSources({ cacheFolder, log: () => {} }));
    const htmls = await Promise.all(
      [...pages, ...pages].map(async (page) => await (await page.fetch(ask(""))).text()),
    );
    assertEquals(new Set(htmls).size, 1);
    const [folder, ...others] = await foldersIn(cacheFolder);
    assertEquals(others, []);
    assertMatch(folder ?? "", /^[0-9a-f]{16}$/);
  });
});

Deno.test("a page that cannot be built says why, to the log and in the browser, as text", async () => {
  await withCache(async (cacheFolder) => {
    // A file where the folder should be.
    await Deno.writeTextFile(cacheFolder, "");
    const lines: string[] = [];
    const page = pageOfSources({ cacheFolder, log: (line) => lines.push(line) });
    await page.prepare();
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0]!, "The page cannot be built: ");
    const response = await page.fetch(ask(""));
    assertEquals(response.status, 500);
    assertStringIncludes(await response.text(), "<h1>The page cannot be built</h1>");
  });
});

Deno.test("a build is kept under the content of its builder too: of each file that makes the page", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", join(WEB, "build_page.ts")],
    stderr: "null",
  }).output();
  assert(success);
  const { modules }: { modules: { local?: string }[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const builders = modules.flatMap(({ local = "" }) =>
    dirname(local) === join(WEB, ".") ? [local] : []
  );
  assert(builders.length > 2, builders.join());

  const web = await Deno.makeTempDir({ prefix: "farebox-web-" });
  try {
    for (const file of builders) await Deno.copyFile(file, join(web, basename(file)));
    const hashes = [await hashOfBuilder(web)];
    assertEquals(await hashOfBuilder(web), hashes[0]);
    for (const file of builders) {
      await Deno.writeTextFile(join(web, basename(file)), "// Changed.\n", { append: true });
      hashes.push(await hashOfBuilder(web));
    }
    assertEquals(new Set(hashes).size, builders.length + 1);
  } finally {
    await Deno.remove(web, { recursive: true });
  }
});
