import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { NotFound } from "./pages/not-found.tsx";
import { Now } from "./pages/now.tsx";
import { Shell } from "./shell/shell.tsx";

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;
/** Filters live in the address, so that a link shows the same to everybody. Absent ones are left out of it. */
const pick =
  <Key extends string>(...keys: readonly Key[]) =>
  (search: Record<string, unknown>): { [K in Key]?: string } =>
    Object.fromEntries(keys.flatMap((key) => (text(search[key]) === undefined ? [] : [[key, text(search[key])]]))) as {
      [K in Key]?: string;
    };

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const now = createRoute({ getParentRoute: () => root, path: "/", component: Now });
const incidents = createRoute({
  getParentRoute: () => root,
  path: "/incidents",
  validateSearch: pick("state", "severity", "service"),
  component: lazyRouteComponent(() => import("./pages/incidents.tsx"), "Incidents"),
});
const incident = createRoute({
  getParentRoute: () => root,
  path: "/incidents/$id",
  validateSearch: pick("evidence", "find", "only"),
  component: lazyRouteComponent(() => import("./pages/incident.tsx"), "Incident"),
});
const replay = createRoute({
  getParentRoute: () => root,
  path: "/incidents/$id/replay",
  validateSearch: pick("at"),
  component: lazyRouteComponent(() => import("./pages/replay.tsx"), "Replay"),
});
const services = createRoute({
  getParentRoute: () => root,
  path: "/services",
  validateSearch: pick("find", "health"),
  component: lazyRouteComponent(() => import("./pages/services.tsx"), "Services"),
});
const service = createRoute({
  getParentRoute: () => root,
  path: "/services/$id",
  validateSearch: pick("from", "to"),
  component: lazyRouteComponent(() => import("./pages/service.tsx"), "Service"),
});
const runbooks = createRoute({
  getParentRoute: () => root,
  path: "/runbooks",
  component: lazyRouteComponent(() => import("./pages/runbooks.tsx"), "Runbooks"),
});
const runbook = createRoute({
  getParentRoute: () => root,
  path: "/runbooks/$id",
  validateSearch: pick("incident"),
  component: lazyRouteComponent(() => import("./pages/runbook.tsx"), "RunbookPage"),
});
const drills = createRoute({
  getParentRoute: () => root,
  path: "/drills",
  validateSearch: pick("fault", "target"),
  component: lazyRouteComponent(() => import("./pages/drills.tsx"), "Drills"),
});
const insights = createRoute({
  getParentRoute: () => root,
  path: "/insights",
  validateSearch: pick("hours"),
  component: lazyRouteComponent(() => import("./pages/insights.tsx"), "Insights"),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: pick("subject"),
  component: lazyRouteComponent(() => import("./pages/audit.tsx"), "Audit"),
});
const quarantine = createRoute({
  getParentRoute: () => root,
  path: "/quarantine",
  validateSearch: pick("show"),
  component: lazyRouteComponent(() => import("./pages/quarantine.tsx"), "Quarantine"),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings.tsx"), "Settings"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    now,
    incidents,
    incident,
    replay,
    services,
    service,
    runbooks,
    runbook,
    drills,
    insights,
    audit,
    quarantine,
    settings,
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
  // Ids and filters are plain text in the address, not JSON.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const filled = Object.entries(search).filter(([, value]) => value !== undefined && value !== "") as [string, string][];
    return filled.length === 0 ? "" : `?${new URLSearchParams(filled)}`;
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
