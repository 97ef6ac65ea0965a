// What a person has set for this browser.
import { useSyncExternalStore } from "react";

export interface Preferences {
  readonly theme: "system" | "dark" | "light";
  /** Moments as `4 min ago` or as the clock shows them. */
  readonly times: "relative" | "absolute";
  /** Under which name decisions are written down. */
  readonly name: string;
  readonly notifications: boolean;
}

const KEY = "tocsin.preferences";
const DEFAULTS: Preferences = { theme: "system", times: "relative", name: "", notifications: false };
const listeners = new Set<() => void>();

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>) };
  } catch {
    return DEFAULTS; // storage that is switched off or was written by somebody else
  }
}
let current = read();
const show = () => {
  if (current.theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = current.theme;
};
show();

const preferences = (): Preferences => current;
export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // It then lasts as long as the page.
  }
  show();
  for (const listener of listeners) listener();
}
export function onPreferences(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
export const usePreferences = (): Preferences => useSyncExternalStore(onPreferences, preferences);
/** The name that decisions are written down under. */
export const whoAmI = (): string => (current.name.trim() === "" ? "console" : current.name.trim());
