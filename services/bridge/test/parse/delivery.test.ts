import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseBody, parseMember, type ReadingContext } from "../../src/parse/delivery.ts";
import type { Parsed } from "../../src/parse/outcome.ts";
import { delivery, firing } from "../assembly.ts";

const context: ReadingContext = {
  rules: { service: ["service", "app", "job"], severity: ["severity"], scope: ["cluster", "environment"] },
  mappings: new Map(),
  receivedAt: "2026-08-20T10:05:00.000Z",
  gitlab: { services: new Map(), tiers: new Set() },
};
const parse = (body: unknown, source = "alertmanager"): Parsed =>
  parseBody(
    source,
    typeof body === "string" || body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body)),
    context,
  );
const only = (body: unknown, source?: string) => {
  const { alerts, rejections } = parse(body, source);
  expect(rejections.map(({ reason }) => reason)).toEqual([]);
  expect(alerts).toHaveLength(1);
  return alerts[0] as (typeof alerts)[0];
};
const reasons = ({ rejections }: Parsed) => rejections.map(({ reason }) => reason);

describe("one alert of Alertmanager", () => {
  test("keeps its labels, links and group", () => {
    expect(only(delivery(firing({ cluster: "eu-1", environment: "prod" })))).toMatchObject({
      scope: "eu-1/prod",
      labels: { alertname: "HighErrorRate", cluster: "eu-1" },
      generatorURL: "http://prometheus:9090/graph?g0.expr=up",
      groupKey: '{}:{alertname="HighErrorRate"}',
    });
  });

  test.each([
    ["2026-08-20T10:00:03.512345678Z", "2026-08-20T10:00:03.512Z"],
    ["2026-08-20T12:00:03.512+02:00", "2026-08-20T10:00:03.512Z"],
    ["2026-08-20T10:00:03Z", "2026-08-20T10:00:03.000Z"],
    ["2026-08-19T23:30:00.9999999-10:30", "2026-08-20T10:00:00.999Z"],
  ])("that began at %s began at %s", (startsAt, expected) => {
    expect(only(delivery(firing({}, { startsAt }))).startsAt).toBe(expected);
  });

  test("has one dedupe key however its sender writes the time, and another when it is resolved", () => {
    const key = (startsAt: string, more = {}) => only(delivery(firing({}, { startsAt, ...more }))).dedupeKey;
    expect(key("2026-08-20T12:00:03.512345+02:00")).toBe(key("2026-08-20T10:00:03.5129Z"));
    expect(key("2026-08-20T10:00:03Z", { status: "resolved", endsAt: "2026-08-20T10:04:00Z" })).not.toBe(key("2026-08-20T10:00:03Z"));
  });

  test("that is resolved without an end has ended when it was received, and never before it began", () => {
    expect(only(delivery(firing({}, { status: "resolved" }))).endsAt).toBe("2026-08-20T10:05:00.000Z");
    expect(only(delivery(firing({}, { status: "resolved", endsAt: "2026-08-20T09:00:00Z" }))).endsAt).toBe("2026-08-20T10:00:03.512Z");
  });

  test.each([
    ["page", "critical"],
    ["ERROR", "critical"],
    ["SEV-1", "critical"],
    ["warn", "warning"],
    ["none", "info"],
    ["purple", "warning"],
    ["", "warning"],
  ])("of severity %j is %s", (severity, expected) => {
    expect(only(delivery(firing({ severity }))).severity).toBe(expected);
  });

  test("is of the service that the first label in the list names", () => {
    expect(only(delivery(firing({ service: "", job: "api", app: " shop " }))).service).toBe("shop");
    expect(only(delivery(firing({ service: "" })))).not.toHaveProperty("service");
  });

  test("has its service named by a label and not by what every object inherits", () => {
    const rules = { ...context.rules, service: ["constructor", "toString"] };
    const { alerts } = parseBody("alertmanager", Buffer.from(JSON.stringify(delivery(firing()))), { ...context, rules });
    expect(alerts[0]).not.toHaveProperty("service");
  });

  test("does not count an empty label", () => {
    expect(only(delivery(firing({ pod: "" }))).fingerprint).toBe(only(delivery(firing())).fingerprint);
  });

  test("shows no link that is a script", () => {
    expect(only(delivery(firing({}, { generatorURL: "javascript:alert(1)" })))).not.toHaveProperty("generatorURL");
  });

  test("is told apart from the fingerprint that its sender claims", () => {
    expect(parse(delivery(firing()))).toMatchObject({ fingerprintMismatches: 1 });
    const { fingerprint } = only(delivery(firing()));
    expect(parse(delivery(firing({}, { fingerprint })))).toMatchObject({ fingerprintMismatches: 0 });
  });
});

describe("one alert of Grafana", () => {
  const body = (alert: unknown) => ({ ...delivery(alert), version: "1", orgId: 1, title: "[FIRING:1]", state: "alerting", message: "…" });

  test("carries its links and values as annotations, and no images", () => {
    const alert = only(
      body(firing({}, { valueString: "[ var='A' value=1 ]", panelURL: "http://g/p", embeddedImage: "A".repeat(100_000) })),
      "grafana",
    );
    expect(alert).toMatchObject({ source: "grafana", annotations: { grafana_value: "[ var='A' value=1 ]", grafana_panel: "http://g/p" } });
    expect(JSON.stringify(alert).length).toBeLessThan(2_000);
  });

  test.each(["DatasourceNoData", "DatasourceError"])("named %s speaks of the rule: a warning, and marked", (alertname) => {
    expect(only(body(firing({ alertname })), "grafana")).toMatchObject({
      name: alertname,
      severity: "warning",
      labels: { alertname, severity: "critical" },
      annotations: { tocsin_rule_not_evaluated: alertname },
    });
  });

  test("is known by its body, whichever of the two paths it was sent to", () => {
    expect(only(body(firing()), "alertmanager").source).toBe("grafana");
    expect(only(delivery(firing()), "grafana").source).toBe("alertmanager");
  });

  test("has the identity that Alertmanager gives to the same labels", () => {
    expect(only(body(firing()), "grafana").dedupeKey).toBe(only(delivery(firing())).dedupeKey);
  });
});

describe("a body that is not understood", () => {
  test.each([
    ["", "BRIDGE_BODY_UNPARSABLE"],
    ["{", "BRIDGE_BODY_UNPARSABLE"],
    ["null", "BRIDGE_FORMAT_UNKNOWN"],
    ["[]", "BRIDGE_FORMAT_UNKNOWN"],
    ['{"version":"3","alerts":[]}', "BRIDGE_FORMAT_UNKNOWN"],
    ['{"version":"1","alerts":[]}', "BRIDGE_FORMAT_UNKNOWN"],
    ['{"text":"a custom template"}', "BRIDGE_FORMAT_UNKNOWN"],
    ['{"version":"4"}', "BRIDGE_FORMAT_UNKNOWN"],
    ['{"version":"4","alerts":{}}', "BRIDGE_FORMAT_UNKNOWN"],
    [`{"version":"4","x":${"[".repeat(1000)}${"]".repeat(1000)},"alerts":[]}`, "BRIDGE_BODY_UNPARSABLE"],
  ])("%.40s is rejected whole, with its bytes, as %s", (body, code) => {
    const { alerts, rejections } = parse(body);
    expect(alerts).toEqual([]);
    expect(rejections).toMatchObject([{ code }]);
    expect(Buffer.from(rejections[0]?.raw ?? []).toString()).toBe(body);
    expect(rejections[0]).not.toHaveProperty("member");
  });

  test("an empty group is no fault", () => {
    expect(parse(delivery())).toMatchObject({ alerts: [], rejections: [] });
  });
});

describe("the good members of a batch go on beside", () => {
  const good = () => JSON.stringify(firing({ instance: "good" }));
  const batch = (bad: string | Buffer) =>
    Buffer.concat([Buffer.from(`{"version":"4","alerts":[${good()},`), Buffer.from(bad), Buffer.from(`,${JSON.stringify(firing())}]}`)]);

  test.each([
    ["null", "null"],
    ["a number", "5"],
    ["a list", "[]"],
    ["no status", JSON.stringify(firing({}, { status: undefined }))],
    ["an odd status", JSON.stringify(firing({}, { status: "pending" }))],
    ["no labels", JSON.stringify(firing({}, { labels: undefined }))],
    ["empty labels", JSON.stringify(firing({}, { labels: {} }))],
    ["labels that are a list", JSON.stringify(firing({}, { labels: ["a"] }))],
    ["a label that is a number", JSON.stringify(firing({}, { labels: { alertname: "A", n: 1 } }))],
    ["a label that is null", JSON.stringify(firing({}, { labels: { alertname: "A", n: null } }))],
    ["no alertname", JSON.stringify(firing({}, { labels: { service: "a" } }))],
    ["annotations that are text", JSON.stringify(firing({}, { annotations: "a" }))],
    ["the zero time as its start", JSON.stringify(firing({}, { startsAt: "0001-01-01T00:00:00Z" }))],
    ["a start that is no time", JSON.stringify(firing({}, { startsAt: "yesterday" }))],
    ["a start that is a number", JSON.stringify(firing({}, { startsAt: 1 }))],
    ["a start in February's 31st month", JSON.stringify(firing({}, { startsAt: "2026-31-02T00:00:00Z" }))],
    ["a syntax error", '{"status": firing}'],
    ["an empty place", ""],
    ["a million nested lists", `{"labels":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`],
    ["a label larger than an event", JSON.stringify(firing({ big: "x".repeat(1_000_000) }))],
  ])("one with %s", (_what, bad) => {
    const { alerts, rejections } = parse(batch(bad));
    expect(alerts.map(({ labels }) => labels["instance"])).toEqual(["good", undefined]);
    expect(rejections).toMatchObject([{ member: { format: "alertmanager" } }]);
    expect(Buffer.from(rejections[0]?.raw ?? []).toString()).toBe(bad);
  });

  test("one with bytes in a label that are no UTF-8, which are kept as they came", () => {
    const bad = Buffer.concat([
      Buffer.from('{"status":"firing","labels":{"alertname":"A'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"},"startsAt":"2026-08-20T10:00:00Z"}'),
    ]);
    const parsed = parse(batch(bad));
    expect(parsed.alerts).toHaveLength(2);
    expect(Buffer.from(parsed.rejections[0]?.raw ?? []).equals(bad)).toBe(true);
  });

  test("and an alert with such bytes in prose alone is one of them", () => {
    const body = Buffer.concat([Buffer.from(JSON.stringify(delivery(firing())).replace("5xx ratio above 5 %", "@")), Buffer.from("")]);
    const at = body.indexOf("@");
    body[at] = 0xff;
    expect(only(body).annotations["summary"]).toBe("\ufffd");
  });

  test("one of 5,000, quickly", () => {
    const alerts = Array.from({ length: 5_000 }, (_, i) => (i === 2_500 ? 5 : firing({ instance: String(i) })));
    const parsed = parse(delivery(...alerts));
    expect([parsed.alerts.length, parsed.rejections.length]).toEqual([4_999, 1]);
    expect(new Set(parsed.alerts.map(({ fingerprint }) => fingerprint)).size).toBe(4_999);
  });
});

describe("hostile text", () => {
  test("with NUL and half surrogates is replaced, and two alerts that differ in it stay two", () => {
    const alert = only(
      '{"version":"4","alerts":[{"status":"firing","startsAt":"2026-08-20T10:00:00Z","labels":{"alertname":"A\\u0000\\ud800"}}]}',
    );
    expect(alert.name).toBe("A\ufffd\ufffd");
    const other = only(
      '{"version":"4","alerts":[{"status":"firing","startsAt":"2026-08-20T10:00:00Z","labels":{"alertname":"A\\u0000\\u0000"}}]}',
    );
    expect(other.fingerprint).not.toBe(alert.fingerprint);
  });

  test("named __proto__ reaches no prototype, and still tells alerts apart", () => {
    const body = (value: string) =>
      `{"version":"4","__proto__":{"version":"1"},"alerts":[{"__proto__":{"status":"resolved"},"status":"firing","startsAt":"2026-08-20T10:00:00Z","labels":{"alertname":"A","__proto__":"${value}","constructor":"c"}}]}`;
    const alert = only(body("x"));
    expect(Object.keys(alert.labels)).toEqual(["alertname", "constructor"]);
    expect(({} as Record<string, unknown>)["status"]).toBeUndefined();
    expect(only(body("y")).fingerprint).not.toBe(alert.fingerprint);
  });

  test("that is long prose is cut, so that the alert fits", () => {
    const annotations = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`a${i}`, "\u0001".repeat(20_000)]));
    const alert = only(delivery(firing({}, { annotations })));
    expect(Buffer.byteLength(JSON.stringify(alert))).toBeLessThan(800_000);
    expect(alert.annotations["a0"]).toMatch(/…$/);
  });
});

describe("whatever is sent", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ version: "4", alerts: [value] }))),
  );

  test("nothing throws, and every member is either an alert or a rejection", () => {
    void fc.assert(
      fc.property(anything, fc.constantFrom("alertmanager", "grafana", "pingdom", "change"), (body, source) => {
        const { alerts, changes, rejections } = parse(Buffer.from(body), source);
        expect(alerts.length + changes.length + rejections.length).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  test("one mangled member never takes another with it", () => {
    void fc.assert(
      fc.property(fc.jsonValue(), fc.nat(2), (odd, position) => {
        const members: unknown[] = [firing({ instance: "a" }), firing({ instance: "b" })];
        members.splice(position, 0, odd);
        const { alerts, rejections } = parse(delivery(...members));
        expect(alerts).toHaveLength(2);
        expect(rejections).toHaveLength(1);
      }),
    );
  });

  test("one flipped byte loses no more than what it is in, or is rejected whole", () => {
    const body = Buffer.from(JSON.stringify(delivery(firing({ instance: "a" }), firing({ instance: "b" }))));
    void fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 0, max: 255 }), (position, byte) => {
        const flipped = Buffer.from(body);
        flipped[position] = byte;
        const { alerts, rejections } = parse(flipped);
        expect(alerts.length + rejections.length).toBeGreaterThanOrEqual(1);
        if (rejections.some(({ member }) => member === undefined)) expect(alerts).toHaveLength(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a quarantined member is read again as what it was a member of", () => {
  const raw = Buffer.from(JSON.stringify(firing()));
  expect(parseMember("alertmanager", { format: "alertmanager", groupKey: "g" }, raw, context).alerts).toMatchObject([{ groupKey: "g" }]);
  expect(reasons(parseMember("alertmanager", { format: "alertmanager" }, Buffer.from("5"), context))).toEqual([
    "it is number instead of an object",
  ]);
  const [alert] = parse(delivery(firing())).alerts;
  expect(parseMember("inbox", { format: "event" }, Buffer.from(JSON.stringify(alert)), context).alerts).toEqual([alert]);
});
