/** Drawings of the chat, 20 by 20, in the colour of the text. */
import type { ComponentChildren } from "preact";

function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 20 20"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4.500M5 9l5-5 5 5" />
  </Icon>
);

export const StopIcon = () => (
  <Icon>
    <rect x="5.500" y="5.500" width="9" height="9" rx="1.500" fill="currentColor" />
  </Icon>
);

export const ChevronIcon = () => (
  <Icon>
    <path d="m6.500 8.500 3.500 3.500 3.500-3.500" />
  </Icon>
);

export const DownIcon = () => (
  <Icon>
    <path d="M10 4v11.500M5 11l5 5 5-5" />
  </Icon>
);
