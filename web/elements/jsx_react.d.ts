/**
 * The elements in React's JSX (React 19 sets their properties and listens to their events).
 *
 *     import type {} from "farebox-web/jsx-react";
 */
import type { ClassAttributes, HTMLAttributes } from "react";
import type { Farebox } from "../client/farebox.ts";
import type { FareboxBalance } from "./balance.ts";
import type { FareboxChatCost } from "./chat_cost.ts";
import type { AddCreditsDetail, ReceiptDetail, SignUpDetail } from "./events.ts";
import type { FareboxReceipt } from "./receipt.ts";
import type { FareboxUsage } from "./usage.ts";

/** What React gives any element, and what ours have beside. */
type ElementProps<Element, Own> =
  & Omit<HTMLAttributes<Element>, "class">
  & ClassAttributes<Element>
  & { class?: string; farebox?: Farebox | null }
  & Own;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "farebox-balance": ElementProps<FareboxBalance, {
        warning?: string | number;
        critical?: string | number;
        "onfarebox-add-credits"?: (event: CustomEvent<AddCreditsDetail>) => void;
        "onfarebox-sign-up"?: (event: CustomEvent<SignUpDetail>) => void;
      }>;
      "farebox-chat-cost": ElementProps<FareboxChatCost, {
        "chat-id"?: string;
        chatId?: string | null;
        "onfarebox-receipt"?: (event: CustomEvent<ReceiptDetail>) => void;
      }>;
      "farebox-receipt": ElementProps<FareboxReceipt, {
        "request-id"?: string;
        requestId?: string | null;
      }>;
      "farebox-usage": ElementProps<FareboxUsage, {
        days?: string | number;
        "onfarebox-receipt"?: (event: CustomEvent<ReceiptDetail>) => void;
      }>;
    }
  }
}
