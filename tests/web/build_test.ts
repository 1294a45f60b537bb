import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { filesBelow } from "../../web/build_bundle.ts";
import { buildPackage } from "../../web/build_package.ts";
import { buildPage } from "../../web/build_page.ts";
import { overBudget } from "../../web/build_sizes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const URL_OF_PROJECT = "https://abcdefghijklmnopqrst.supabase.co";
const KEY = "sb_publishable_test";

interface Built {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `deno task build` with these arguments. */
async function build(...args: string[]): Promise<Built> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--config",
      "deno.json",
      "web/build.ts",
      ...args,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const out = await Deno.makeTempDir({ prefix: "farebox-build-" });
const page = join(out, "page");
const built = await build(
  "--url",
  `${URL_OF_PROJECT}/`,
  "--key",
  KEY,
  "--out",
  out,
  "--json",
);
const html = await Deno.readTextFile(join(page, "index.html")).catch(() => "");
Deno.test.afterAll(() => Deno.remove(out, { recursive: true }));

Deno.test("client and balance are under 10 kB gzipped, the page's first load under 150 kB, and both are told", () => {
  assertEquals(built.stderr, "");
  const { ok, sizes } = JSON.parse(built.stdout);
  const promised = sizes.filter((size: { bytesMax: number | null }) => size.bytesMax !== null);
  assertEquals(promised.map((size: { bytesMax: number }) => size.bytesMax), [
    10_000,
    150_000,
  ]);
  assertEquals(overBudget(sizes), []);
  assertEquals([ok, built.code], [true, 0]);
});

Deno.test("a size at its limit or above is over it, and what is loaded later has none", () => {
  const size = (name: string, bytes: number, bytesMax: number | null) => ({
    name,
    bytes,
    bytesMax,
  });
  const sizes = [
    size("a", 99, 100),
    size("b", 100, 100),
    size("c", 101, 100),
    size("d", 999, null),
  ];
  assertEquals(overBudget(sizes).map(({ name }) => name), ["b", "c"]);
});

Deno.test("the charts' library is not in the page's first load", async () => {
  const entry = html.match(/<script type="module" src="\.\/([^"]+)"/)?.[1] ??
    "";
  const code = await Deno.readTextFile(join(page, entry));
  const { sizes } = JSON.parse(built.stdout);
  const later = sizes.filter((size: { bytesMax: number | null }) => size.bytesMax === null);
  assert(
    later.some((size: { bytes: number }) => size.bytes > 40_000),
    "a chunk as big as Chart.js",
  );
  assert(
    !code.includes("BarController"),
    "Chart.js's controllers are in the entry",
  );
});

Deno.test("the page's policy lets in its own files and its project, and nothing inline", () => {
  const policy = html.match(/http-equiv="Content-Security-Policy"\s+content="([^"]*)"/i)
    ?.[1] ?? "";
  assertEquals(policy.split("; "), [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${URL_OF_PROJECT} ${URL_OF_PROJECT.replace("https", "wss")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types dompurify",
  ]);
  // A policy counts from where it stands.
  assert(
    html.indexOf("Content-Security-Policy") <
      html.search(/<(link|script|style)\b/),
  );
  assertEquals(
    html.match(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/gi),
    null,
  );
});

Deno.test("no file of the page refers to another host's assets", async () => {
  for (const [, address = ""] of html.matchAll(/\s(?:src|href)="([^"]*)"/g)) {
    assertMatch(address, /^(\.\/[\w.-]+|data:.*)$/);
  }
  for (const file of await filesBelow(page)) {
    const text = await Deno.readTextFile(join(page, file));
    if (file.endsWith(".css")) {
      assertEquals(text.match(/@import|url\((?!["']?(data:|#))/g), null, file);
    }
    if (file.endsWith(".js")) {
      const imported = [
        ...text.matchAll(/\b(?:from|import)\s*\(?\s*["'`]([^"'`]+)["'`]/g),
      ]
        .map(([, specifier = ""]) => specifier)
        // What a library says of itself in the text of a message is no import.
        .filter((specifier) => /^(https?:|\/|\.)/.test(specifier));
      for (const specifier of imported) {
        assertMatch(specifier, /^\.\/[\w.-]+\.js$/, file);
      }
      assertEquals(
        text.match(/importScripts\s*\(|\.src\s*=\s*["'`]https?:/g),
        null,
        file,
      );
    }
  }
});

Deno.test("settings.json is written as ordered, and without an order left to the operator", async () => {
  assertEquals(
    JSON.parse(await Deno.readTextFile(join(page, "settings.json"))),
    {
      url: URL_OF_PROJECT,
      publishableKey: KEY,
      realtime: true,
    },
  );
  const other = await Deno.makeTempDir({ prefix: "farebox-build-" });
  try {
    const order = [
      "--url",
      URL_OF_PROJECT,
      "--key",
      KEY,
      "--name",
      'A "B" <C>',
      "--no-realtime",
    ];
    const shop = ["--add-credits-url", "https://shop.example/credits"];
    await build(...order, ...shop, "--out", other);
    assertEquals(
      JSON.parse(await Deno.readTextFile(join(other, "page/settings.json"))),
      {
        url: URL_OF_PROJECT,
        publishableKey: KEY,
        realtime: false,
        name: 'A "B" <C>',
        addCredits: { url: "https://shop.example/credits" },
      },
    );
    const titled = await Deno.readTextFile(join(other, "page/index.html"));
    assertStringIncludes(titled, "<title>A &quot;B&quot; &lt;C></title>");
    const { files } = await buildPage({
      outDir: join(other, "page"),
      settings: null,
    });
    assert(!files.includes("settings.json"));
  } finally {
    await Deno.remove(other, { recursive: true });
  }
});

const jwt = (claims: unknown) =>
  `eyJhbGciOiJIUzI1NiJ9.${btoa(JSON.stringify(claims)).replace(/=+$/, "")}.c2lnbmF0dXJl`;

for (
  const [what, args, sentence] of [
    [
      "a secret key",
      ["--url", URL_OF_PROJECT, "--key", "sb_secret_hidden"],
      "is a secret key",
    ],
    [
      "a service_role key",
      ["--url", URL_OF_PROJECT, "--key", jwt({ role: "service_role" })],
      "is of the role service_role",
    ],
    [
      "no key of Supabase's",
      ["--url", URL_OF_PROJECT, "--key", "hidden"],
      "none of Supabase's",
    ],
    [
      "an address without a key",
      ["--url", URL_OF_PROJECT],
      "--url and --key go together",
    ],
    ["an address with a path", [
      "--url",
      `${URL_OF_PROJECT}/rest/v1`,
      "--key",
      KEY,
    ], "as --url"],
    [
      "a host's http address",
      ["--url", "http://example.com", "--key", KEY],
      "as --url",
    ],
    [
      "a shop that is a script",
      [
        "--url",
        URL_OF_PROJECT,
        "--key",
        KEY,
        "--add-credits-url",
        "javascript:alert(1)",
      ],
      "as --add-credits-url",
    ],
  ] as const
) {
  Deno.test(`the build refuses ${what} in a sentence, without repeating a key, and writes nothing`, async () => {
    const folder = join(out, "refused");
    const { code, stdout, stderr } = await build(...args, "--out", folder);
    assertEquals(code, 1);
    assertEquals(stdout, "");
    assertStringIncludes(stderr, sentence);
    assertEquals(stderr.trim().split("\n").length, 1);
    assert(!stderr.includes("hidden") && !stderr.includes("c2lnbmF0dXJl"));
    assertEquals(await Deno.stat(folder).catch(() => null), null);
  });
}

Deno.test("a legacy anon key is as good as a publishable one", async () => {
  const folder = join(out, "legacy");
  const key = jwt({ role: "anon" });
  await build("--url", URL_OF_PROJECT, "--key", key, "--out", folder);
  const settings = JSON.parse(
    await Deno.readTextFile(join(folder, "page/settings.json")),
  );
  assertEquals(settings.publishableKey, key);
});

Deno.test("the same sources give the same bytes, whatever the folder", async () => {
  const folders = [join(out, "one"), join(out, "deeper/down/two")];
  const contents = await Promise.all(folders.map(async (folder) => {
    await buildPage({ outDir: join(folder, "page"), settings: null });
    await buildPackage(join(folder, "package"));
    const files = await filesBelow(folder);
    return await Promise.all(
      files.map(async (
        file,
      ) => [file, await Deno.readTextFile(join(folder, file))]),
    );
  }));
  assertEquals(
    contents[0]!.map(([file]) => file),
    contents[1]!.map(([file]) => file),
  );
  for (const [index, [file, text]] of contents[0]!.entries()) {
    assert(text === contents[1]![index]![1], `${file} differs`);
  }
});

Deno.test("the package has each export with its types, names no folder of this machine, and brings no library along", async () => {
  const folder = join(out, "package");
  const manifest = JSON.parse(
    await Deno.readTextFile(join(folder, "package.json")),
  );
  assertEquals([manifest.name, manifest.type], ["farebox-web", "module"]);
  assertEquals(manifest.peerDependencies, { "@supabase/supabase-js": "^2" });
  assertEquals(manifest.dependencies, undefined);
  const files = await filesBelow(folder);
  for (
    const [name, places] of Object.entries<Record<string, string>>(
      manifest.exports,
    )
  ) {
    assert(places.types !== undefined, `${name} has types`);
    for (const place of Object.values(places)) {
      assert(files.includes(place.slice(2)), place);
    }
  }
  for (const file of files) {
    const text = await Deno.readTextFile(join(folder, file));
    assert(!text.includes(ROOT) && !text.includes("file:"), file);
    if (!file.endsWith(".d.ts")) continue;
    for (const [, specifier = ""] of text.matchAll(/\bfrom\s*"([^"]+)"/g)) {
      if (!specifier.startsWith(".")) continue;
      const target = join(file, "..", specifier.replace(/\.js$/, ".d.ts"));
      assert(
        files.includes(target),
        `${file} imports ${specifier}, which is not there`,
      );
    }
  }
});
