// What can be said of the configurations under deploy/ without starting anything: dashboards, rules, routes and what they name.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parsePromql } from "@tocsin/signals";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { FORWARDED } from "../../console/src/forward-table.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const yaml = (path: string): unknown => parse(read(path), { merge: true });

const sourcesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sourcesBelow(join(folder, entry.name)) : /\.ts$/.test(entry.name) ? [join(folder, entry.name)] : [],
  );

/** Metrics by name → the labels that they are registered with, as the sources say. */
const registered = new Map<string, ReadonlySet<string>>();
for (const area of ["packages", "services"])
  for (const part of readdirSync(join(root, area)))
    for (const file of sourcesBelow(join(root, area, part, "src"))) {
      const text = readFileSync(file, "utf8");
      const named = /(?:name: |gauge\(\s*)"([a-z_]+)"([\s\S]*?)(?=name: "|gauge\(|$)/g;
      for (const [, name, after] of text.matchAll(named)) {
        const labels = /labelNames: \[([^\]]*)\]/.exec((after as string).split("});")[0] as string)?.[1] ?? "";
        registered.set(name as string, new Set(labels.match(/\w+/g)));
      }
    }
/** Made by scraping, by the scrape's configuration and by histograms. */
const EVERYWHERE = ["job", "service", "instance", "le"];
/** Of prom-client itself and of Prometheus. */
const FOREIGN = /^(up|process_(resident_memory_bytes|cpu_seconds_total|start_time_seconds)|nodejs_eventloop_lag_p99_seconds)$/;

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
const RULE_FILES = readdirSync(join(root, "deploy/prometheus/rules"));
const rules = RULE_FILES.flatMap((file) =>
  (yaml(`deploy/prometheus/rules/${file}`) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) =>
    group.rules.map((rule) => ({ file, ...rule })),
  ),
);
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string };
  readonly targets?: readonly { readonly expr: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[] };
  readonly panels: readonly Panel[];
}
const dashboards = readdirSync(join(root, "deploy/grafana/dashboards")).map((file) => ({
  file,
  dashboard: JSON.parse(read(`deploy/grafana/dashboards/${file}`)) as Dashboard,
}));
/** What Grafana puts in for its own variables before Prometheus sees a query. */
const filledIn = (expr: string): string => expr.replaceAll("$__rate_interval", "1m").replaceAll("$__interval", "1m");

const queries = [
  ...rules.map(({ file, alert, record, expr }) => ({ where: `${file}: ${alert ?? record}`, expr })),
  ...dashboards.flatMap(({ file, dashboard }) =>
    dashboard.panels
      .filter(({ datasource }) => datasource?.type === "prometheus")
      .flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: `${file}: ${title}`, expr: filledIn(expr) }))),
  ),
];

/** Metric names with the labels that the query matches on. */
function selectorsIn(expr: string): { metric: string; labels: string[] }[] {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  // A name, not a function, a keyword or something inside a grouping or a matcher.
  const named = bare.replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  return [...named.matchAll(/(?<![\w:.$])([a-z_][\w:]*)(?!\s*\()(?:\{([^}]*)\})?(?=[\s[)}<>=*/+-]|$)/g)]
    .map(([, metric, matchers = ""]) => ({ metric: metric as string, labels: matchers.match(/\w+(?=\s*(?:=|!))/g) ?? [] }))
    .filter(({ metric }) => !/^(and|or|unless|bool|offset|[smhd]|inf|nan)$/i.test(metric));
}

test("every query of rules and dashboards is PromQL", () => {
  const wrong = queries.flatMap(({ where, expr }) => {
    try {
      parsePromql(expr);
      return [];
    } catch (error) {
      return [`${where}: ${(error as Error).message}`];
    }
  });
  expect(wrong).toEqual([]);
});

test("every metric that a rule or a dashboard names is exported or recorded, with the labels that are matched", () => {
  const wrong = queries.flatMap(({ where, expr }) =>
    selectorsIn(expr).flatMap(({ metric, labels }) => {
      if (recorded.has(metric) || FOREIGN.test(metric)) return [];
      const known = registered.get(metric) ?? registered.get(metric.replace(/_(bucket|count|sum)$/, ""));
      if (known === undefined) return [`${where}: nobody exports ${metric}`];
      return labels
        .filter((label) => !known.has(label) && !EVERYWHERE.includes(label))
        .map((label) => `${where}: ${metric} has no label ${label}`);
    }),
  );
  expect(wrong).toEqual([]);
  // The finder finds: names of every kind stand in the queries.
  const found = new Set(queries.flatMap(({ expr }) => selectorsIn(expr).map(({ metric }) => metric)));
  for (const name of [
    "up",
    "tocsin_store_outbox_lag_seconds",
    "tocsin_bridge_delivery_duration_seconds_bucket",
    "service:failure_ratio:1h",
  ])
    expect(found).toContain(name);
});

test("groups by labels that there are", () => {
  const wrong = queries.flatMap(({ where, expr }) => {
    const metrics = selectorsIn(expr).filter(({ metric }) => metric.startsWith("tocsin_"));
    if (metrics.length === 0) return [];
    const known = new Set(
      metrics.flatMap(({ metric }) => [...(registered.get(metric) ?? registered.get(metric.replace(/_(bucket|count|sum)$/, "")) ?? [])]),
    );
    return [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)]
      .flatMap(([, list]) => (list as string).match(/\w+/g) ?? [])
      .filter((label) => !known.has(label) && !EVERYWHERE.includes(label))
      .map((label) => `${where}: ${label}`);
  });
  expect(wrong).toEqual([]);
});

test("each alert says how bad it is, in one line what it is, and in a sentence what it means", () => {
  const wrong = rules
    .filter(({ alert }) => alert !== undefined)
    .filter(
      ({ labels, annotations }) =>
        !/^(critical|warning|info|none)$/.test(labels?.["severity"] ?? "") || !annotations?.["summary"] || !annotations["description"],
    );
  expect(wrong).toEqual([]);
});

test("burn-rate alerts have the factors, windows and waits of the SRE Workbook, for both objectives", () => {
  const shapes = rules
    .filter(({ alert }) => alert === "ErrorBudgetBurn")
    .map(({ labels = {}, ...rule }) => ({ ...labels, wait: (rule as unknown as { for: string }).for, expr: rule.expr }));
  for (const [slo, budget] of [
    ["availability", 0.001],
    ["latency", 0.01],
  ] as const) {
    for (const [severity, long, short, burn, wait] of [
      ["critical", "1h", "5m", "14.4", "2m"],
      ["critical", "6h", "30m", "6", "15m"],
      ["warning", "1d", "2h", "3", "1h"],
      ["warning", "3d", "6h", "1", "3h"],
    ] as const) {
      const alert = shapes.find((shape) => (shape as Record<string, string>)["slo"] === slo && shape["long" as never] === long);
      expect(alert).toMatchObject({ severity, long, short, burn, wait });
      for (const window of [long, short])
        expect(alert?.expr).toContain(`service:failure_ratio:${window}{slo="${slo}"} > ${Number((Number(burn) * budget).toFixed(6))}`);
    }
  }
});

describe.each(dashboards)("$file", ({ dashboard }) => {
  test("is a dashboard by our schema", () => {
    const schema = z.fromJSONSchema(JSON.parse(read("deploy/grafana/dashboard.schema.json")) as Parameters<typeof z.fromJSONSchema>[0]);
    expect(schema.safeParse({ ...dashboard, panels: "none" }).success).toBe(false);
    const parsed = schema.safeParse(dashboard);
    expect(parsed.success ? [] : parsed.error.issues).toEqual([]);
  });

  test("has panels with ids of their own, inside the grid and not over one another", () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { gridPos, title } of panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    const over = panels.flatMap((a, n) =>
      panels
        .slice(n + 1)
        .filter(
          ({ gridPos: b }) =>
            a.gridPos.x < b.x + b.w && b.x < a.gridPos.x + a.gridPos.w && a.gridPos.y < b.y + b.h && b.y < a.gridPos.y + a.gridPos.h,
        )
        .map((b) => `${a.title} × ${b.title}`),
    );
    expect(over).toEqual([]);
  });

  test("uses variables that it declares", () => {
    const declared = dashboard.templating.list.map(({ name }) => name);
    const used = dashboard.panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(/(?<=\$)(?!__)[a-z]+/g) ?? []));
    expect([...new Set(used)].filter((name) => !declared.includes(name))).toEqual([]);
  });
});

test("the dashboards have uids of their own, and the data sources those that they name", () => {
  expect(new Set(dashboards.map(({ dashboard }) => dashboard.uid)).size).toBe(dashboards.length);
  const { datasources } = yaml("deploy/grafana/provisioning/datasources/datasources.yaml") as {
    datasources: { uid: string; type: string; jsonData: Record<string, unknown> }[];
  };
  const uids = datasources.map(({ uid }) => uid);
  expect(uids).toEqual(["prometheus", "alertmanager", "loki", "tempo"]);
  const named = [...JSON.stringify(datasources).matchAll(/"(?:datasourceUid|alertmanagerUid)":"([^"]+)"/g)].map(([, uid]) => uid);
  expect(named.filter((uid) => !uids.includes(uid as string))).toEqual([]);
});

test("what Grafana would take for a variable of the environment is escaped in its provisioning", () => {
  const folder = join(root, "deploy/grafana/provisioning");
  const wrong = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .filter((file) => /(?<!\$)\$(?!\$|__file\{)/.test(readFileSync(join(folder, file), "utf8").replaceAll(/^\s*#.*$/gm, "")));
  expect(wrong).toEqual([]);
});

test("Grafana's and Alertmanager's alerts reach the bridge with its token, resolved ones too", () => {
  const { contactPoints } = yaml("deploy/grafana/provisioning/alerting/contact-points.yaml") as {
    contactPoints: { name: string; receivers: { type: string; disableResolveMessage: boolean; settings: Record<string, string> }[] }[];
  };
  expect(contactPoints).toMatchObject([
    {
      name: "tocsin",
      receivers: [
        {
          type: "webhook",
          disableResolveMessage: false,
          settings: {
            url: "http://bridge:8080/webhooks/grafana",
            authorization_scheme: "Bearer",
            authorization_credentials: "$__file{/run/secrets/bridge_token}",
          },
        },
      ],
    },
  ]);
  const { policies } = yaml("deploy/grafana/provisioning/alerting/policies.yaml") as { policies: { receiver: string }[] };
  expect(policies.map(({ receiver }) => receiver)).toEqual(["tocsin"]);
  const { receivers } = yaml("deploy/alertmanager/alertmanager.compose.yml") as { receivers: unknown[] };
  expect(receivers[0]).toEqual({
    name: "tocsin",
    webhook_configs: [
      {
        url: "http://bridge:8080/webhooks/alertmanager",
        send_resolved: true,
        max_alerts: 500,
        http_config: { authorization: { type: "Bearer", credentials_file: "/run/secrets/bridge_token" } },
      },
    ],
  });
});

describe("Traefik's routes", () => {
  interface Routes {
    readonly http: {
      readonly routers: Readonly<Record<string, { rule: string; priority: number; service: string; entryPoints: string[] }>>;
      readonly services: Readonly<Record<string, unknown>>;
    };
  }
  const { routers, services } = (yaml("deploy/traefik/routes.yml") as Routes).http;
  /** As Traefik reads the part of its rule language that is used here. */
  const matches = (rule: string, path: string): boolean => {
    const source = rule.replaceAll(/(PathPrefix|PathRegexp|Path)\(`([^`]*)`\)/g, (_all, kind: string, value: string) => {
      if (kind === "Path") return String(path === value);
      if (kind === "PathPrefix") return String(path.startsWith(value));
      return String(new RegExp(value).test(path));
    });
    if (!/^[a-z&|!() ]+$/.test(source)) throw new Error(`a rule that this test cannot read: ${rule}`);
    return source.split("||").some((any) => any.split("&&").every((all) => /^\s*(true|!false)\s*$/.test(all)));
  };
  const serverOf = (path: string): string | undefined =>
    Object.values(routers)
      .toSorted((a, b) => b.priority - a.priority)
      .find(({ rule }) => matches(rule, path))?.service;

  test("lead to who serves the path", () => {
    for (const [path, service] of [
      ["/", "console"],
      ["/incidents/inc_1", "console"],
      ["/readyz", "console"],
      ["/api/openapi.json", "console"],
      ["/api/v1/session", "console"],
      ["/api/v1/incidents", "console"],
      ["/api/v1/incidents/inc_1/stream", "console"],
      ["/api/v1/incidents/ask", "console"],
      ["/api/v1/approvals/apr_1/approve", "console"],
      ["/api/v1/red-button", "console"],
      ["/api/v1/dead-letters", "console"],
      ["/webhooks/alertmanager", "bridge"],
      ["/webhooks/generic/change", "bridge"],
      ["/api/v1/quarantine/q_1/replay", "bridge"],
      ["/api/v1/silences/sil_1", "correlator"],
      ["/api/v1/maintenance-windows", "correlator"],
      ["/api/v1/heartbeats/x", "correlator"],
      ["/api/v1/storm", "correlator"],
      ["/api/v1/faults", "chaos-api"],
      ["/api/v1/drills/drl_1", "chaos-api"],
      ["/api/v1/incidents/inc_1/ask", "sre-agent"],
      ["/api/v1/analyze", "sre-agent"],
      ["/api/v1/llm", "sre-agent"],
      ["/metrics", undefined],
    ] as const)
      expect(serverOf(path), path).toBe(service);
  });

  test("name services that there are, which answer on the port that images listen on", () => {
    for (const { service, entryPoints } of Object.values(routers)) {
      expect(entryPoints).toEqual(["web"]);
      expect(JSON.stringify(services[service])).toContain(`"http://${service}:8080"`);
    }
  });

  test("lead where the console itself would forward to, were there no Traefik", () => {
    // The executor is on no network that Traefik is on: the console is asked, and forwards.
    for (const [service, paths] of Object.entries(FORWARDED))
      for (const path of paths)
        expect(serverOf(path.replaceAll(/:\w+|\*$/g, "x")), path).toBe(service === "executor" ? "console" : service);
  });
});
