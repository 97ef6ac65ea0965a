import type { IncidentState } from "@tocsin/contracts";
import type { ReactNode } from "react";

export const Badge = ({ state }: { state: IncidentState | string }) => <span className={`badge ${state}`}>{state.replace("-", " ")}</span>;

export const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section>
    <h2>{title}</h2>
    {children}
  </section>
);

/** How long ago, in one unit. */
export function age(at: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

export const clockTime = (at: string): string => new Date(at).toLocaleTimeString(undefined, { hour12: false });
