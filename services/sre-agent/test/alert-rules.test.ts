import type { Member, Series } from "@tocsin/contracts";
import type { Answer, MetricsPort } from "@tocsin/signals";
import { expect, test } from "vitest";
import { gatherRules, memberOf } from "../src/alert-rules.ts";

const WINDOW = { from: 1_000, to: 1_100 };
const member = (service: string, expr?: string, name = "HighMemory"): Member => ({
  fingerprint: `fp-${service}`,
  name,
  service,
  severity: "critical",
  labels: { alertname: name, severity: "critical", service, job: "lab" },
  annotations: {},
  status: "firing",
  startsAt: "2026-01-01T00:00:00.000Z",
  ...(expr === undefined ? {} : { generatorURL: `http://prometheus:9090/graph?g0.expr=${encodeURIComponent(expr)}&g0.tab=1` }),
  role: "member",
  reasons: [],
});
const series = (labels: Record<string, string>): Series => ({ labels, samples: [[1_050, 200e6]] });

async function gather(members: readonly Member[], metrics: Partial<MetricsPort> = {}) {
  const asked: string[] = [];
  const told: string[] = [];
  const missing: string[] = [];
  const rules = await gatherRules(members, {
    metrics: {
      queryRange: async (promql) => {
        asked.push(promql);
        return { value: [series({ service: "payments", job: "lab" }), series({ service: "cart", job: "lab" })], partial: [] };
      },
      ...metrics,
    },
    window: WINDOW,
    stepSeconds: 5,
    query: { deadlineMs: 100 },
    ask: async <T>(_source: string, call: () => Promise<Answer<T>>, empty: T) => {
      try {
        const { value, partial } = await call();
        missing.push(...partial);
        return value;
      } catch (error) {
        missing.push(String(error));
        return empty;
      }
    },
    tell: (text) => told.push(text),
  });
  return { rules, asked, told, missing };
}
const EXPR = 'max by (job, service) (process_resident_memory_bytes{job="lab"}) > 150e6';

test("an expression is asked once without its comparison, and its answer falls apart by its labels", async () => {
  const { rules, asked } = await gather([member("payments", EXPR), member("checkout", EXPR)]);
  expect(asked).toEqual(['max by (job, service) (process_resident_memory_bytes{job="lab"})']);
  expect(rules.map(({ service, fingerprint }) => [service, fingerprint])).toEqual([
    ["payments", "fp-payments"],
    ["cart", undefined],
  ]);
  expect(rules[0]).toMatchObject({ signal: "memory", threshold: { op: ">", value: 150e6 } });
});

test("without a link the server of rules is asked, and the rule whose labels fit is taken", async () => {
  const { asked } = await gather([member("payments")], {
    ruleExpressions: async () => ({
      value: [
        { expr: "up > 1", labels: { severity: "warning" } },
        { expr: "up > 2", labels: { severity: "critical" } },
      ],
      partial: [],
    }),
    queryRange: async (promql) => {
      expect(promql).toBe("up");
      return { value: [], partial: [] };
    },
  });
  expect(asked).toEqual([]);
});

test("without any expression it says of which alert", async () => {
  const { rules, told } = await gather([member("payments")]);
  expect(rules).toEqual([]);
  expect(told).toEqual(["alerts: no expression is known of the rule HighMemory"]);
});

test("what cannot be taken apart is asked as it stands", async () => {
  const { asked, told } = await gather([member("payments", "sum(holt_winters(x[1m], 0.5, 0.5)) > 1")]);
  expect(asked).toEqual(["sum(holt_winters(x[1m], 0.5, 0.5)) > 1"]);
  expect(told[0]).toContain("could not be taken apart");
});

test("an expression over metrics that are not there is told, and a source that fails is missing", async () => {
  const empty = await gather([member("payments", "no_such_metric > 1")], { queryRange: async () => ({ value: [], partial: [] }) });
  expect(empty.told).toEqual(["alerts: the expression of HighMemory gives no series over the window"]);
  const away = await gather([member("payments", EXPR)], { queryRange: () => Promise.reject(new Error("connection refused")) });
  expect(away.missing).toEqual(["Error: connection refused"]);
  expect(away.rules).toEqual([]);
});

test("an expression that adds all services up is asked again by service, where nothing else says which", async () => {
  const { service, ...nameless } = member("payments", "sum(rate(failed_total[1m])) / sum(rate(asked_total[1m])) > 0.05", "TooManyFailures");
  expect(service).toBe("payments");
  const told: Member = { ...nameless, fingerprint: "fp-all", labels: { alertname: "TooManyFailures", severity: "critical" } };
  const asked: string[] = [];
  const { rules } = await gather([told], {
    queryRange: async (promql) => {
      asked.push(promql);
      return {
        value: promql.includes(" by (") ? [series({ service: "payments" }), series({ service: "cart" })] : [series({})],
        partial: [],
      };
    },
  });
  expect(asked).toHaveLength(2);
  expect(asked[1]).toMatch(/^sum by \(service, .*job\) \(rate\(failed_total\[1m\]\)\) \/ sum by \(service, .*job\) \(rate\(asked_total/);
  expect(rules.map(({ service, fingerprint, partOf }) => [service, fingerprint, partOf])).toEqual([
    [undefined, "fp-all", undefined],
    ["payments", undefined, "fp-all"],
    ["cart", undefined, "fp-all"],
  ]);
  const { asked: once } = await gather([member("payments", "sum(x) > 5")]);
  expect(once).toEqual(["sum(x)"]);
});

test("a series belongs to the member whose labels agree with most of its own", () => {
  const labels = { service: "payments", instance: "a" };
  const members = [
    { labels: { service: "payments" } },
    { labels: { service: "payments", instance: "a" } },
    { labels: { service: "cart" } },
  ];
  expect(memberOf({ labels }, members)).toBe(members[1]);
  expect(memberOf({ labels: { service: "storefront" } }, members)).toBeUndefined();
  expect(memberOf({ labels: {} }, members)).toBe(members[0]);
});
