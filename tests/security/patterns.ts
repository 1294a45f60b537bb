/** Every regular expression that the sources write down, as the compiler sees them. */
import { fileURLToPath } from "node:url";
import { join, relative } from "node:path";
import ts from "typescript";

export type Pattern = {
  /** `file:line`, from the repository's root. */
  readonly where: string;
  readonly source: string;
  readonly flags: string;
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The literals of all TypeScript below these folders. */
export async function patternsIn(folders: readonly string[]): Promise<Pattern[]> {
  const found: Pattern[] = [];
  for (const folder of folders) {
    for await (const file of sourcesIn(join(ROOT, folder))) {
      found.push(...patternsOf(relative(ROOT, file), await Deno.readTextFile(file)));
    }
  }
  return found;
}

/** The literals of one file, and what `new RegExp` makes of nothing but literals; in their order. */
export function patternsOf(name: string, text: string): Pattern[] {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
  const found: Pattern[] = [];
  const visit = (node: ts.Node) => {
    const where = () =>
      `${name}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`;
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/");
      found.push({
        where: where(),
        source: node.text.slice(1, end),
        flags: node.text.slice(end + 1),
      });
    }
    if (ts.isNewExpression(node) && node.expression.getText(file) === "RegExp") {
      const [source, flags] = node.arguments ?? [];
      const text = source && textOf(source, file);
      if (text !== undefined) {
        found.push({
          where: where(),
          source: text,
          flags: flags && ts.isStringLiteral(flags) ? flags.text : "",
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A text that is put together from literals alone; undefined for any other. */
function textOf(node: ts.Expression, file: ts.SourceFile): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textOf(node.left, file), textOf(node.right, file)];
    return left === undefined || right === undefined ? undefined : left + right;
  }
  const isJoin = ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === "join" &&
    ts.isArrayLiteralExpression(node.expression.expression);
  if (!isJoin) return undefined;
  const { elements } = node.expression.expression;
  const parts = elements.map((element) => textOf(element, file));
  const by = node.arguments[0] && textOf(node.arguments[0], file);
  return parts.includes(undefined) || by === undefined ? undefined : parts.join(by);
}

async function* sourcesIn(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory && !["node_modules", "dist", "migrations"].includes(entry.name)) {
      yield* sourcesIn(path);
    } else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith("database.types.ts")) {
      yield path;
    }
  }
}
