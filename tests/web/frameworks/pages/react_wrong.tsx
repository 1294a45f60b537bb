/** What the package's types must refuse. */
import type {} from "farebox-web/jsx-react";

export const wrong = <farebox-balance onfarebox-add-credits={(event) => event.detail.nonsense} />;
