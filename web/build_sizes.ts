/** What a browser downloads, in bytes as gzip sends them, against what was promised. */
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

export interface Size {
  readonly name: string;
  /** As gzip sends it. */
  readonly bytes: number;
  /** Null where nothing is promised: what is loaded when it is needed. */
  readonly bytesMax: number | null;
}

/** A promise was broken by these. */
export function overBudget(sizes: readonly Size[]): readonly Size[] {
  return sizes.filter(({ bytes, bytesMax }) => bytesMax !== null && bytes >= bytesMax);
}

export async function gzippedBytes(
  folder: string,
  files: Iterable<string>,
): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    bytes += (await compress(await Deno.readFile(join(folder, file)), { level: 9 }))
      .length;
  }
  return bytes;
}

const STATIC_IMPORT = /(?:\bfrom|\bimport)\s*["'](\.[^"']+)["']/g;

/** The entries and all that they import before they run, of minified modules below `folder`. */
export async function loadedAtOnce(
  folder: string,
  entries: readonly string[],
): Promise<string[]> {
  const seen = new Set<string>();
  const queue = [...entries];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = await Deno.readTextFile(join(folder, file));
    for (const [, specifier = ""] of text.matchAll(STATIC_IMPORT)) {
      queue.push(join(file, "..", specifier));
    }
  }
  return [...seen].sort();
}

export function sizesTable(sizes: readonly Size[]): string {
  const width = Math.max(...sizes.map(({ name }) => name.length));
  return sizes.map(({ name, bytes, bytesMax }) => {
    const limit = bytesMax === null
      ? "when needed"
      : bytes < bytesMax
      ? `of ${kilobytes(bytesMax)} kB`
      : `OVER ${kilobytes(bytesMax)} kB`;
    return `  ${name.padEnd(width)}  ${kilobytes(bytes).padStart(6)} kB gzipped  ${limit}`;
  }).join("\n");
}

/** Bytes in thousands, to one decimal, rounded up. */
function kilobytes(bytes: number): string {
  return (Math.ceil(bytes / 100) / 10).toFixed(1);
}
