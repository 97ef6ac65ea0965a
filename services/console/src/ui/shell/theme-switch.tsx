import { setPreferences, usePreferences } from "../live/preferences.ts";

const NEXT = { system: "dark", dark: "light", light: "system" } as const;
const ICONS = {
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  dark: "M19 14a7 7 0 0 1-9-9 7 7 0 1 0 9 9Z",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1 1M18 18l1 1M19 5l-1 1M6 18l-1 1",
} as const;

export function ThemeSwitch() {
  const { theme } = usePreferences();
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Colours: ${theme === "system" ? "as the system" : theme}. Change to ${NEXT[theme] === "system" ? "as the system" : NEXT[theme]}`}
      onClick={() => setPreferences({ theme: NEXT[theme] })}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={ICONS[theme]} />
      </svg>
    </button>
  );
}
