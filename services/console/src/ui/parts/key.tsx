import type { ReactNode } from "react";

/** The key that does what the button beside it does, for those who see it; `aria-keyshortcuts` tells the others. */
export const Key = ({ children }: { children: ReactNode }) => (
  <span className="key" aria-hidden="true">
    {children}
  </span>
);
