/** The custom elements' attributes, for TSX. */
import type { HTMLAttributes } from "preact";

type Plain = HTMLAttributes<HTMLElement>;

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "farebox-balance": Plain & { warning?: string; critical?: string };
      "farebox-chat-cost": Plain & { "chat-id": string };
      "farebox-receipt": Plain & { "request-id": string };
      "farebox-usage": Plain & { days?: string };
    }
  }
}
