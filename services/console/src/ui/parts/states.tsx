// What a page shows instead of its content: it is read, it is empty, it cannot be had, it is old.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ProblemError } from "../api/client.ts";
import { When } from "./when.tsx";

export function Loading({ lines = 4, label = "Reading" }: { lines?: number; label?: string }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, n) => (
        <span key={n} data-width={n % 3} />
      ))}
    </div>
  );
}

export const Empty = ({ title, children }: { title: string; children?: ReactNode }) => (
  <div className="empty">
    <Bell />
    <p className="empty-title">{title}</p>
    {children !== undefined && <div className="quiet">{children}</div>}
  </div>
);

export const Bell = () => (
  <svg className="bell" viewBox="0 0 48 48" aria-hidden="true">
    <path d="M24 6c-7 0-11 5-11 12v7c0 4-2 6-4 8v2h30v-2c-2-2-4-4-4-8v-7c0-7-4-12-11-12Z" />
    <path d="M20 39a4 4 0 0 0 8 0" />
  </svg>
);

export function Problem({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const code = error instanceof ProblemError ? error.code : undefined;
  return (
    <div className="problem" role="alert">
      <p>
        <strong>This cannot be shown.</strong> {error.message}
      </p>
      {code !== undefined && <p className="quiet code">{code}</p>}
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Content of a query: skeleton, then content; a failure later keeps what is known and says how old it is. */
export function Shown<T>({
  query,
  lines,
  children,
}: {
  query: UseQueryResult<T, Error>;
  lines?: number;
  children: (value: T) => ReactNode;
}) {
  const { data, error, isError, dataUpdatedAt, refetch } = query;
  if (data === undefined) {
    if (isError) return <Problem error={error} onRetry={() => void refetch()} />;
    return lines === undefined ? <Loading /> : <Loading lines={lines} />;
  }
  return (
    <>
      {isError && (
        <p className="stale" role="status">
          As of <When at={new Date(dataUpdatedAt).toISOString()} />: {error.message}
        </p>
      )}
      {children(data)}
    </>
  );
}
