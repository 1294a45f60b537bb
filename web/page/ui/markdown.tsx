/** Markdown, drawn block by block: while an answer streams only its last block changes. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { createMarkdownReader } from "../state/markdown.ts";
import { CopyButton } from "./copy_button.tsx";
import { showHtml } from "./sanitise.ts";

export interface MarkdownProps {
  readonly text: string;
  /** More text will come. */
  readonly isStreaming: boolean;
}

export function Markdown({ text, isStreaming }: MarkdownProps) {
  const reader = useMemo(createMarkdownReader, []);
  return (
    <div class={isStreaming ? "markdown streaming" : "markdown"}>
      {reader.read(text, isStreaming).map((block, index) =>
        block.kind === "code"
          ? <CodeBlock key={index} language={block.language} code={block.code} />
          : <HtmlBlock key={index} html={block.html} />
      )}
    </div>
  );
}

function HtmlBlock({ html }: { readonly html: string }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (element.current !== null) showHtml(element.current, html);
  }, [html]);
  return useMemo(() => <div class="block" ref={element} />, []);
}

function CodeBlock({ language, code }: { readonly language: string; readonly code: string }) {
  return (
    <div class="code">
      <div class="code-head">
        <span>{language || "text"}</span>
        <CopyButton text={code} label="Copy code" />
      </div>
      <pre tabindex={0} role="group" aria-label="Code"><code>{code}</code></pre>
    </div>
  );
}
