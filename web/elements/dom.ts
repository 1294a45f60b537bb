/** Makes elements without markup strings, so that no data is ever read as HTML. */

export type Child = Node | string | null;

/** Attributes; `null` and `false` leave one out, `true` is one without a value. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** @returns a new element with these attributes and children, in their order. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A button that does something; `attributes` may have its class and part. */
export function makeButton(
  label: string,
  attributes: Attributes,
  press: () => void,
): HTMLButtonElement {
  const button = make("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", press);
  return button;
}
