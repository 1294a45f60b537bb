/**
 * An answer's markdown, block by block, as HTML that is yet to be sanitised (ui/sanitise.ts). An
 * answer is read anew for each frame while it streams: only its last blocks are, and only changed
 * blocks are drawn. Pure.
 */
import { Lexer, Marked, type Token, type Tokens } from "marked";
import { streamedText } from "./markdown_tail.ts";

/** One paragraph, list, table, …; code comes as text, for it has a button to copy it. */
export type Block =
  | { readonly kind: "html"; readonly html: string }
  | { readonly kind: "code"; readonly language: string; readonly code: string };

export interface MarkdownReader {
  /** @param text all of the answer so far. @param isStreaming more will come. */
  read(text: string, isStreaming: boolean): readonly Block[];
}

/** Poems and addresses keep their lines. */
const SYNTAX = { gfm: true, breaks: true } as const;
/** Headings of an answer lie below those of the page. */
const HEADING_LEVEL_MIN = 3;
const HEADING_LEVEL_MAX = 6;
/** Common in answers, and harmless; all other HTML is shown as it is written. */
const TAGS_KEPT = /^<(br|\/?(?:sub|sup|kbd))\s*\/?>$/i;
const ADDRESS = /^(https?:\/\/|mailto:)/i;

export function createMarkdownReader(): MarkdownReader {
  let before = "";
  let tokens: Token[] = [];
  let blocks = new Map<Token, Block>();
  return {
    read(text, isStreaming) {
      const whole = text.replace(/\r\n?/g, "\n");
      const source = isStreaming ? streamedText(whole) : whole;
      if (source !== before) {
        const kept = isStreaming ? settledTokens(tokens) : [];
        const length = kept.reduce((sum, { raw }) => sum + raw.length, 0);
        // Tabs and the like change what is counted: then all is read anew.
        const isSame = kept.map(({ raw }) => raw).join("") === source.slice(0, length);
        tokens = isSame ? [...kept, ...tokensOf(source.slice(length))] : tokensOf(source);
        before = source;
      }
      const known = blocks;
      blocks = new Map();
      let level = HEADING_LEVEL_MIN - 1;
      return tokens.filter(({ type }) => type !== "space" && type !== "def").map((token) => {
        if (token.type === "heading") level = headingLevel(token as Tokens.Heading, level);
        const block = known.get(token) ?? blockOf(token, level);
        blocks.set(token, block);
        return block;
      });
    },
  };
}

/** Marks can be nested deeper than the stack of the one who reads them. */
function tokensOf(source: string): Token[] {
  try {
    return Lexer.lex(source, SYNTAX);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // HTML is shown as it is written.
    return [{ type: "html", block: true, pre: false, raw: source, text: source }];
  }
}

/** What more text cannot change: all but the last two blocks. */
function settledTokens(tokens: readonly Token[]): Token[] {
  let left = 2;
  let end = tokens.length;
  while (end > 0 && left > 0) if (tokens[--end]!.type !== "space") left--;
  // A reference's address may be named at the end: its uses are read again then.
  return tokens.some(({ type }) => type === "def") ? [] : tokens.slice(0, end);
}

/** One level below the heading before at most, so that none is skipped. */
function headingLevel({ depth }: Tokens.Heading, before: number): number {
  return Math.min(depth + HEADING_LEVEL_MIN - 1, before + 1, HEADING_LEVEL_MAX);
}

function blockOf(token: Token, level: number): Block {
  if (token.type === "code") {
    const { text, lang } = token as Tokens.Code;
    return { kind: "code", language: /^\S+/.exec(lang ?? "")?.[0] ?? "", code: text };
  }
  const shown = token.type === "heading" ? { ...token, depth: level } as Token : token;
  return { kind: "html", html: htmlOf(shown) };
}

/** As it is written, where it is nested too deep. */
function htmlOf(token: Token): string {
  try {
    return marked.parser([token]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return asWritten(token.raw);
  }
}

const marked = new Marked({
  ...SYNTAX,
  renderer: {
    html({ text, block }) {
      if (TAGS_KEPT.test(text.trim())) return text;
      return block ? asWritten(text) : escaped(text);
    },
    link({ href, tokens, text }) {
      const hasImage = tokens.some(({ type }) => type === "image");
      const content = hasImage
        ? escaped(imageText(tokens) || text)
        : this.parser.parseInline(tokens);
      return ADDRESS.test(href) ? `<a href="${escaped(href)}">${content}</a>` : content;
    },
    // Loading it would tell a stranger what is being read.
    image({ href, text }) {
      const content = escaped(text || "Image");
      return ADDRESS.test(href) ? `<a href="${escaped(href)}">${content}</a>` : content;
    },
    code: ({ text }) =>
      `<pre tabindex="0" role="group" aria-label="Code"><code>${escaped(text)}</code></pre>`,
    checkbox: ({ checked }) =>
      `<span class="tick" role="img" aria-label="${checked ? "Done" : "To do"}">${
        checked ? "✓" : ""
      }</span> `,
    table(token) {
      const cells = (row: Tokens.TableCell[]) =>
        row.map((cell) => {
          const name = cell.header ? "th" : "td";
          const align = cell.align === null ? "" : ` align="${cell.align}"`;
          return `<${name}${align}>${this.parser.parseInline(cell.tokens)}</${name}>`;
        }).join("");
      const rows = token.rows.map((row) => `<tr>${cells(row)}</tr>`).join("");
      return `<div class="table" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${
        cells(token.header)
      }</tr></thead><tbody>${rows}</tbody></table></div>`;
    },
  },
});

function imageText(tokens: readonly Token[]): string {
  return tokens.map((token) => "text" in token ? String(token.text) : "").join("");
}

function asWritten(text: string): string {
  return `<p class="as-written">${escaped(text.trim())}</p>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
