/** The pages, in the order of the navigation; `key` follows `g` on the keyboard. */
export const SECTIONS = [
  { to: "/", name: "Now", key: "n", icon: "M12 3a6 6 0 0 0-6 6v4l-2 4h16l-2-4V9a6 6 0 0 0-6-6Zm-2 17a2 2 0 0 0 4 0" },
  { to: "/incidents", name: "Incidents", key: "i", icon: "M4 6h16M4 12h16M4 18h10" },
  { to: "/services", name: "Services", key: "s", icon: "M5 5h5v5H5zM14 14h5v5h-5zM14 5h5v5h-5zM7.5 10v6.5H14" },
  { to: "/runbooks", name: "Runbooks", key: "r", icon: "M6 4h10a2 2 0 0 1 2 2v14H8a2 2 0 0 1-2-2zM9 8h6M9 12h6" },
  { to: "/drills", name: "Drills", key: "d", icon: "M12 4v4M12 16v4M4 12h4M16 12h4M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z" },
  { to: "/insights", name: "Insights", key: "h", icon: "M5 19V11M10 19V5M15 19v-6M20 19V8" },
  { to: "/audit", name: "Audit", key: "a", icon: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4" },
  { to: "/quarantine", name: "Quarantine", key: "q", icon: "M4 8h16v12H4zM4 8l2-4h12l2 4M10 12h4" },
  { to: "/settings", name: "Settings", key: "e", icon: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4" },
] as const;
