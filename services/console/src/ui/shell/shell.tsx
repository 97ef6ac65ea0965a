import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { ProblemError } from "../api/client.ts";
import { pendingQuery, redButtonQuery } from "../api/queries.ts";
import { useFreshness } from "../live/use-live.ts";
import { useNotifications } from "../live/use-notifications.ts";
import { Banners } from "./banners.tsx";
import { LiveSign } from "./live-sign.tsx";
import { PaletteButton } from "./palette.tsx";
import { SECTIONS } from "./sections.ts";
import { useShortcuts } from "./shortcuts.ts";
import { SignIn } from "./sign-in.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";

/** The frame of every page. */
export function Shell() {
  useFreshness();
  useNotifications();
  const [help, setHelp] = useState(false);
  useShortcuts(() => setHelp((shown) => !shown));
  const button = useQuery(redButtonQuery);
  const pending = useQuery(pendingQuery);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  // A new page is told to those who do not see it come: the focus goes to it. Not on the first one.
  const isFirst = useRef(true);
  useEffect(() => {
    setIsOpen(false);
    if (isFirst.current) isFirst.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [path]);

  if (button.error instanceof ProblemError && button.error.status === 401) return <SignIn />;
  const waiting = pending.data?.items.length ?? 0;
  return (
    <div className="shell" data-menu={isOpen ? "open" : "closed"}>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="topbar">
        <Link to="/" className="brand" aria-label="Tocsin: what is going on now">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d={SECTIONS[0].icon} />
          </svg>
          <span>Tocsin</span>
        </Link>
        <PaletteButton help={help} setHelp={setHelp} />
        <div className="topbar-end">
          <LiveSign />
          <ThemeSwitch />
        </div>
      </header>
      <nav className="nav" aria-label="Pages">
        <ul>
          {SECTIONS.map(({ to, name, icon }, n) => (
            <li key={to} data-rest={n > 3 ? "yes" : undefined}>
              <Link to={to} activeOptions={{ exact: to === "/", includeSearch: false }} activeProps={{ "aria-current": "page" }}>
                <svg viewBox="0 0 24 24" aria-hidden="true">
                  <path d={icon} />
                </svg>
                <span>{name}</span>
                {to === "/" && waiting > 0 && (
                  <span className="nav-count">
                    {waiting}
                    <span className="away"> waiting for a yes</span>
                  </span>
                )}
              </Link>
            </li>
          ))}
          <li className="nav-more">
            <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
              <svg viewBox="0 0 24 24" aria-hidden="true">
                <path d="M5 12h.01M12 12h.01M19 12h.01" />
              </svg>
              <span>More</span>
            </button>
          </li>
        </ul>
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        <Banners />
        <Outlet />
      </main>
    </div>
  );
}
