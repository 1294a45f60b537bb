/** Writes the `.d.ts` files of the package: one a source, of those that the exports' types reach. */
import { dirname, join } from "node:path";
import ts from "typescript";
import { WEB } from "./build_bundle.ts";

/** A source does not say all of its exported types itself. The message has its file and line. */
export class DeclarationsFailed extends Error {
  override readonly name = "DeclarationsFailed";
}

/** Packages whose types may stand in ours: those that the package asks its user to have. */
const PEERS = ["@supabase/supabase-js", "react", "vue"];

/** @throws DeclarationsFailed */
export async function writeDeclarations(
  { entries, outDir }: {
    readonly entries: readonly string[];
    readonly outDir: string;
  },
): Promise<void> {
  const seen = new Set<string>();
  const queue = [...entries];
  for (let source = queue.pop(); source !== undefined; source = queue.pop()) {
    if (seen.has(source)) continue;
    seen.add(source);
    const { text, imports } = await declare(source);
    const path = join(outDir, source.replace(/(\.d)?\.ts$/, ".d.ts"));
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text);
    for (const specifier of imports) {
      if (specifier.startsWith(".")) {
        queue.push(join(dirname(source), specifier));
      } else if (
        !PEERS.some((peer) => specifier === peer || specifier.startsWith(`${peer}/`))
      ) {
        throw new DeclarationsFailed(
          `web/${source} shows types of ${specifier}, which is bundled in`,
        );
      }
    }
  }
}

/** The declarations of a source (relative to `web`), and what they import as the source says it. */
async function declare(
  source: string,
): Promise<{ text: string; imports: string[] }> {
  const original = await Deno.readTextFile(join(WEB, source));
  const declared = source.endsWith(".d.ts") ? original : transpile(source, original);
  // TypeScript's own reading: an example in a comment is no import.
  const { importedFiles } = ts.preProcessFile(declared);
  let text = declared;
  for (const { fileName, pos, end } of importedFiles.toReversed()) {
    if (!fileName.startsWith(".")) continue;
    // The place begins at the quote, and is as long as the name.
    const after = end + 2;
    const quoted = text.slice(pos, after).replace(/(\.d)?\.ts(["'])$/, ".js$2");
    text = text.slice(0, pos) + quoted + text.slice(after);
  }
  return { text, imports: importedFiles.map(({ fileName }) => fileName) };
}

function transpile(source: string, text: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(text, {
    fileName: source,
    reportDiagnostics: true,
    compilerOptions: {
      strict: true,
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      newLine: ts.NewLineKind.LineFeed,
    },
  });
  const [first] = diagnostics;
  if (first !== undefined) {
    const line = first.file?.getLineAndCharacterOfPosition(first.start ?? 0).line ?? 0;
    const why = ts.flattenDiagnosticMessageText(first.messageText, " ");
    throw new DeclarationsFailed(`web/${source}:${line + 1}: ${why}`);
  }
  return outputText;
}
