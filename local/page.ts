/**
 * The page of a stack: built when it is first asked for, and again when a source of it has changed.
 * Builds are kept by the content of their sources, for the next start and for other stacks.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { filesBelow, WEB } from "../web/build_bundle.ts";
import { buildPage } from "../web/build_page.ts";
import { pageHeaders } from "../web/build_policy.ts";
import { serveStatic } from "./static_files.ts";

export interface Page {
  /** Answers a GET of the page or of one of its files. */
  fetch(request: Request): Promise<Response>;
}

/** A folder as it is. */
export function pageOfFolder(folder: string): Page {
  return { fetch: (request) => serveStatic(folder, request, pageHeaders(null)) };
}

export interface BuiltPageOptions {
  /** Where builds are kept; made if missing. Several stacks may share it. */
  readonly cacheFolder: string;
  /** Told why the page cannot be built; the page then says so too. */
  readonly log: (line: string) => void;
}

export interface SourcedPage extends Page {
  /** Builds what is not built. Never throws: what is wrong is told to `log`. */
  prepare(): Promise<void>;
}

/** Of the sources below `web`, those that make the page. */
const SOURCES = ["client", "elements", "page"];
const CONFIGS = ["deno.json", "deno.lock"];
const BUILDER = /^build.*\.ts$/;
/** Kept so long after it was last made or found: another stack may be serving it. */
const KEEP_MS = 24 * 60 * 60_000;

export function pageOfSources({ cacheFolder, log }: BuiltPageOptions): SourcedPage {
  /** The latest build, and the sources as they were. */
  let known: { readonly stamp: string; readonly folder: string } | null = null;
  let building: Promise<string> | null = null;
  // As this process has loaded it: what is changed in it later counts from the next start on.
  const builder = hashOfBuilder(WEB);
  builder.catch(() => {}); // It is said where it is awaited.

  async function current(): Promise<string> {
    const stamp = await stampOfSources();
    if (known?.stamp === stamp && await touch(known.folder)) return known.folder;
    const folder = await buildOnce(cacheFolder, await builder);
    known = { stamp, folder };
    return folder;
  }
  /** One build at a time, whoever asks. */
  const folderOfBuild = () => building ??= current().finally(() => building = null);

  return {
    async prepare() {
      await folderOfBuild().catch((error) => log(`The page cannot be built: ${messageOf(error)}`));
    },
    async fetch(request) {
      const isDocument = /^\/(index\.html)?$/.test(new URL(request.url).pathname);
      try {
        // Files go with the document that named them: only it asks whether a source has changed.
        const folder = isDocument || known === null ? await folderOfBuild() : known.folder;
        return await serveStatic(folder, request, pageHeaders(null));
      } catch (error) {
        log(`The page cannot be built: ${messageOf(error)}`);
        return failurePage(messageOf(error));
      }
    },
  };
}

/** Names, sizes and times of all sources: cheap to ask at each load of the page. */
async function stampOfSources(): Promise<string> {
  const parts = await Promise.all((await sourceFiles()).map(async (file) => {
    const { size, mtime } = await Deno.stat(join(WEB, file));
    return `${file} ${size} ${mtime?.getTime()}`;
  }));
  return parts.join("\n");
}

async function sourceFiles(): Promise<string[]> {
  const folders = SOURCES.map(async (folder) =>
    (await filesBelow(join(WEB, folder))).map((file) => join(folder, file))
  );
  return [...CONFIGS, ...(await Promise.all(folders)).flat()];
}

/** The folder of the build of the sources as they are now. Other processes may do the same. */
async function buildOnce(cacheFolder: string, builder: string): Promise<string> {
  const hash = createHash("sha256").update(Deno.version.deno).update(builder);
  for (const file of await sourceFiles()) {
    hash.update(`\0${file}\0`).update(await Deno.readFile(join(WEB, file)));
  }
  const folder = join(cacheFolder, hash.digest("hex").slice(0, 16));
  if (await touch(folder)) return folder;
  await Deno.mkdir(cacheFolder, { recursive: true });
  await forgetOld(cacheFolder);
  const partial = await Deno.makeTempDir({ dir: cacheFolder, prefix: "partial-" });
  try {
    await buildPage({ outDir: partial, settings: null });
    await Deno.rename(partial, folder).catch(async (error) => {
      // Somebody else was faster.
      if (!await touch(folder)) throw error;
    });
  } finally {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
  }
  return folder;
}

/** Of the code that makes a page of the sources: the same sources may become another page. */
export async function hashOfBuilder(web: string): Promise<string> {
  const hash = createHash("sha256");
  const files = (await Array.fromAsync(Deno.readDir(web))).map(({ name }) => name);
  for (const file of files.filter((name) => BUILDER.test(name)).sort()) {
    hash.update(`\0${file}\0`).update(await Deno.readFile(join(web, file)));
  }
  return hash.digest("hex");
}

/** False when there is no such folder. */
async function touch(folder: string): Promise<boolean> {
  try {
    await Deno.utime(folder, new Date(), new Date());
    return true;
  } catch {
    return false;
  }
}

async function forgetOld(cacheFolder: string): Promise<void> {
  for await (const { name } of Deno.readDir(cacheFolder)) {
    const path = join(cacheFolder, name);
    const { mtime } = await Deno.stat(path).catch(() => ({ mtime: null }));
    if (mtime !== null && Date.now() - mtime.getTime() > KEEP_MS) {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Says what is wrong to the one who is developing the page; nothing of it is markup. */
function failurePage(message: string): Response {
  const escaped = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Farebox</title>
<h1>The page cannot be built</h1><pre>${escaped}</pre>
<p>Mend it and load this again. Everything else of the stack runs.</p></html>`;
  return new Response(html, {
    status: 500,
    headers: { ...pageHeaders(null), "content-type": "text/html; charset=utf-8" },
  });
}
