/**
 * HTML of answers, made harmless. The page runs under Trusted Types: what is inserted has passed
 * through DOMPurify's policy.
 */
import DOMPurify from "dompurify";

const CONFIG = {
  ALLOWED_TAGS: [
    ..."a blockquote br code del em h3 h4 h5 h6 hr kbd li ol p pre strong sub sup ul".split(" "),
    ..."div span table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "align", "start", "class", "role", "aria-label", "tabindex"],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  // No addresses: without this they are held to the line above.
  ADD_URI_SAFE_ATTR: ["align", "start", "tabindex", "aria-label"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_TRUSTED_TYPE: true,
};

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

/** Fills an element. @param html of `state/markdown.ts`. */
export function showHtml(element: Element, html: string): void {
  const clean = DOMPurify.sanitize(html, CONFIG);
  // A TrustedHTML, which the types of the DOM do not know yet.
  element.innerHTML = clean as unknown as string;
}
