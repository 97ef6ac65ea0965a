import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { SECTIONS } from "./sections.ts";

/** How long after `g` the second key counts, in milliseconds. */
const SEQUENCE_MS = 1_200;

/** Pure: is the person writing, so that a letter is a letter? */
export const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));

/** Moves through the rows of the page (`[data-row]`) as arrow keys would. */
function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

/** `g` and a letter goes to a page; `j` and `k` walk rows; a letter on a button presses it; `?` tells all of this. */
export function useShortcuts(onHelp: () => void): void {
  const navigate = useNavigate();
  const goneAt = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
      if (document.querySelector("[role=dialog][data-open], dialog[open]") !== null) return;
      const { key } = event;
      if (performance.now() - goneAt.current < SEQUENCE_MS) {
        goneAt.current = 0;
        const section = SECTIONS.find((each) => each.key === key);
        if (section !== undefined) {
          event.preventDefault();
          void navigate({ to: section.to });
          return;
        }
      }
      if (key === "g") {
        goneAt.current = performance.now();
      } else if (key === "?") {
        onHelp();
      } else if (key === "j" || key === "k") {
        event.preventDefault();
        moveRow(key === "j" ? 1 : -1);
      } else if (/^[a-z]$/.test(key)) {
        const button = document.querySelector<HTMLElement>(`main [data-shortcut="${key}"]`);
        if (button !== null) {
          event.preventDefault();
          button.click();
        }
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [navigate, onHelp]);
}
