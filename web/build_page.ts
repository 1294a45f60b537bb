/**
 * Builds the page: `index.html`, one style sheet, the code with its chunks, and `settings.json`. All
 * of its paths are relative, so it may lie below any address.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import mustache from "mustache";
import { bundle, BundleFailed, filesBelow, WEB } from "./build_bundle.ts";
import { contentSecurityPolicy } from "./build_policy.ts";
import type { PageSettings } from "./page/state/types.ts";

export interface PageOrder {
  /** Made if missing; what is there from an earlier build is removed. */
  readonly outDir: string;
  /** Null leaves `settings.json` to whoever serves the page, from the page's own origin. */
  readonly settings: PageSettings | null;
}

/** What a build has written, relative to its folder. */
export interface BuiltPage {
  readonly files: readonly string[];
  /** The files that are read before the page shows anything. */
  readonly entry: string;
  readonly styles: string;
}

/** @throws BundleFailed */
export async function buildPage(
  { outDir, settings }: PageOrder,
): Promise<BuiltPage> {
  await emptyFolder(outDir);
  await bundle({ entries: ["page/main.tsx"], outDir });
  const entry = await nameByContent(outDir, "main.js", "page");

  const css = await readStyles(join(WEB, "page/styles/index.css"));
  await Deno.writeTextFile(join(outDir, "page.css"), css);
  const styles = await nameByContent(outDir, "page.css", "page");

  const template = await Deno.readTextFile(join(WEB, "page/index.html"));
  const html = mustache.render(
    template,
    {
      name: settings?.name ?? "Farebox",
      csp: contentSecurityPolicy(settings?.url ?? null),
      entry,
      styles,
    },
    {},
    { escape: escapeAttribute },
  );
  await Deno.writeTextFile(join(outDir, "index.html"), html);
  if (settings !== null) {
    await Deno.writeTextFile(
      join(outDir, "settings.json"),
      JSON.stringify(settings, null, 2) + "\n",
    );
  }
  return { files: await filesBelow(outDir), entry, styles };
}

export async function emptyFolder(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(folder, { recursive: true });
}

/** A new content gets a new name, so that a cache never mixes two builds. @returns the new name. */
async function nameByContent(
  folder: string,
  name: string,
  stem: string,
): Promise<string> {
  const bytes = await Deno.readFile(join(folder, name));
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
  const renamed = `${stem}-${hash}${name.slice(name.lastIndexOf("."))}`;
  await Deno.rename(join(folder, name), join(folder, renamed));
  return renamed;
}

const IMPORT = /^@import\s+(?:url\()?["']([^"']+)["']\)?\s*;[ \t]*\n?/gm;

/** A style sheet with those that it imports in their places. @throws BundleFailed */
async function readStyles(path: string): Promise<string> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw new BundleFailed(
      `Cannot read the style sheet ${path}: ${error.message}`,
    );
  });
  const imported = new Map<string, string>();
  for (const [, name = ""] of text.matchAll(IMPORT)) {
    if (!name.startsWith("./")) {
      throw new BundleFailed(
        `Cannot import ${name} in ${path}: only files beside it`,
      );
    }
    imported.set(name, await readStyles(join(dirname(path), name)));
  }
  return text.replace(IMPORT, (_, name: string) => imported.get(name) ?? "");
}

function escapeAttribute(text: unknown): string {
  return String(text).replaceAll("&", "&amp;").replaceAll('"', "&quot;")
    .replaceAll("<", "&lt;");
}
