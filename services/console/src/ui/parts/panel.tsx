import { type ReactNode, useId } from "react";

/** A titled region of a page. */
export function Panel({
  title,
  aside,
  children,
  className = "",
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  const id = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div className="panel-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

export const PageHead = ({ title, children }: { title: ReactNode; children?: ReactNode }) => (
  <header className="page-head">
    <h1>{title}</h1>
    {children !== undefined && <div className="page-actions">{children}</div>}
  </header>
);
