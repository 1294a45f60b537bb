/**
 * Builds the npm package `farebox-web`: the client and the elements as modules for bundlers and
 * browsers, with their types.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundle, filesBelow, WEB } from "./build_bundle.ts";
import { writeDeclarations } from "./build_declarations.ts";
import { emptyFolder } from "./build_page.ts";
import { gzippedBytes } from "./build_sizes.ts";

/** What the package exports, and the source of each. */
const EXPORTS: Readonly<Record<string, string>> = {
  ".": "client/mod.ts",
  "./elements": "elements/mod.ts",
  "./balance": "elements/balance.ts",
};

/** Types without code, the elements' names in other people's JSX: `./jsx-react` and the like. */
const JSX_TYPES = /^jsx_(\w+)\.d\.ts$/;

export interface BuiltPackage {
  readonly files: readonly string[];
  readonly version: string;
}

/** @throws BundleFailed, DeclarationsFailed */
export async function buildPackage(outDir: string): Promise<BuiltPackage> {
  await emptyFolder(outDir);
  const sources = Object.values(EXPORTS);
  const typesOnly = await jsxTypes();
  await bundle({ entries: sources, outDir });
  await writeDeclarations({
    entries: [...sources, ...Object.values(typesOnly)],
    outDir,
  });
  const version = await versionOfChangelog();
  const manifest = JSON.stringify(
    await packageJson(version, typesOnly),
    null,
    2,
  );
  await Deno.writeTextFile(join(outDir, "package.json"), `${manifest}\n`);
  return { files: await filesBelow(outDir), version };
}

/**
 * What an app's bundler takes of the package for a chat with a balance: the whole client and one
 * element, without what other elements share with it.
 * @returns bytes as gzip sends them
 */
export async function clientAndBalanceBytes(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-size-" });
  try {
    const from = (source: string) => JSON.stringify(pathToFileURL(join(WEB, source)).href);
    const entry = join(folder, "app.ts");
    await Deno.writeTextFile(
      entry,
      `export { createFarebox } from ${from("client/mod.ts")};
export { defineFareboxBalance, provideFarebox } from ${from("elements/balance.ts")};
`,
    );
    await bundle({ entries: [entry], outDir: join(folder, "out") });
    return await gzippedBytes(join(folder, "out"), ["app.js"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function jsxTypes(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of await filesBelow(join(WEB, "elements"))) {
    const name = JSX_TYPES.exec(file)?.[1];
    if (name !== undefined) found[`./jsx-${name}`] = `elements/${file}`;
  }
  return found;
}

async function packageJson(
  version: string,
  typesOnly: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const script = (source: string) => `./${source.replace(/\.ts$/, ".js")}`;
  const types = (source: string) => `./${source.replace(/(\.d)?\.ts$/, ".d.ts")}`;
  const exports: Record<string, unknown> = {};
  for (const [name, source] of Object.entries(EXPORTS)) {
    exports[name] = { types: types(source), default: script(source) };
  }
  for (const [name, source] of Object.entries(typesOnly)) {
    exports[name] = { types: types(source) };
  }
  const supabase = await pinOf("@supabase/supabase-js");
  return {
    name: "farebox-web",
    version,
    description: "Farebox in a browser: a typed client, and elements that show what answers cost",
    type: "module",
    exports,
    // The elements' modules define nothing until they are asked to.
    sideEffects: false,
    peerDependencies: { "@supabase/supabase-js": `^${supabase.split(".")[0]}` },
  };
}

async function pinOf(name: string): Promise<string> {
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(join(WEB, "deno.json")),
  );
  const version = imports[name]?.match(/@(\d[^@/]*)$/)?.[1];
  if (version === undefined) {
    throw new Error(`web/deno.json does not pin ${name}`);
  }
  return version;
}

/** The latest version that the changelog has; 0.0.0 before the first one. */
async function versionOfChangelog(): Promise<string> {
  const text = await Deno.readTextFile(join(WEB, "../CHANGELOG.md"));
  return text.match(/^##\s+\[?v?(\d+\.\d+\.\d+[\w.-]*)/m)?.[1] ?? "0.0.0";
}
