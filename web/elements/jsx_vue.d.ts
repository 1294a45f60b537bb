/**
 * The elements in Vue's templates and JSX.
 *
 *     import type {} from "farebox-web/jsx-vue";
 */
import type { DefineComponent } from "vue";
import type { Farebox } from "../client/farebox.ts";
import type { AddCreditsDetail, ReceiptDetail, SignUpDetail } from "./events.ts";

interface OfAll {
  farebox?: Farebox | null;
}

declare module "vue" {
  interface GlobalComponents {
    "farebox-balance": DefineComponent<
      OfAll & {
        warning?: string | number;
        critical?: string | number;
        "onFarebox-add-credits"?: (event: CustomEvent<AddCreditsDetail>) => void;
        "onFarebox-sign-up"?: (event: CustomEvent<SignUpDetail>) => void;
      }
    >;
    "farebox-chat-cost": DefineComponent<
      OfAll & {
        chatId?: string | null;
        "onFarebox-receipt"?: (event: CustomEvent<ReceiptDetail>) => void;
      }
    >;
    "farebox-receipt": DefineComponent<OfAll & { requestId?: string | null }>;
    "farebox-usage": DefineComponent<
      OfAll & {
        days?: string | number;
        "onFarebox-receipt"?: (event: CustomEvent<ReceiptDetail>) => void;
      }
    >;
  }
}
