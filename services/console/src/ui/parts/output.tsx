/** Text as it was printed. It scrolls, so the keyboard has to reach it. */
export const Output = ({ children, label = "Output" }: { children: string; label?: string }) => (
  // biome-ignore lint/a11y/useSemanticElements: what was printed is preformatted text, which no grouping element is
  <pre
    className="output"
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    tabIndex={0}
    role="group"
    aria-label={label}
  >
    {children}
  </pre>
);
