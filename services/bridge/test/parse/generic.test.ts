import { describe, expect, test } from "vitest";
import { parseBody } from "../../src/parse/delivery.ts";
import { readMappings } from "../../src/parse/mapping.ts";

const rules = { service: ["service"], severity: ["severity"], scope: ["cluster", "environment"] };
const receivedAt = "2026-08-20T10:05:00.000Z";

function parse(body: unknown, yaml = "", source = "pingdom") {
  const read = readMappings(yaml);
  if (read.kind === "wrong") throw new Error(read.problems.join("; "));
  return parseBody(source, Buffer.from(JSON.stringify(body)), {
    rules,
    mappings: read.mappings,
    receivedAt,
    gitlab: { services: new Map(), tiers: new Set() },
  });
}

describe("a sender without a mapping", () => {
  test("is understood by the names that are in use", () => {
    const { alerts } = parse({
      title: "Checkout is down",
      service: "checkout",
      level: "P1",
      state: "open",
      timestamp: 1_787_220_000,
      host: "a",
      tags: ["team:payments", "canary"],
      environment: "prod",
      message: "3 of 3 probes failed",
      url: "https://pingdom.example/1",
    });
    expect(alerts).toMatchObject([
      {
        name: "Checkout is down",
        source: "pingdom",
        service: "checkout",
        severity: "critical",
        status: "firing",
        scope: "prod",
        startsAt: "2026-08-20T10:00:00.000Z",
        labels: { alertname: "Checkout is down", service: "checkout", instance: "a", team: "payments", environment: "prod" },
        annotations: { summary: "Checkout is down", description: "3 of 3 probes failed" },
        generatorURL: "https://pingdom.example/1",
      },
    ]);
  });

  test("resolves the alert that it raised, though the level has changed", () => {
    const [raised, over] = parse([
      { name: "Disk", service: "db", severity: "critical", status: "firing" },
      { name: "Disk", service: "db", severity: "ok", status: "OK" },
    ]).alerts;
    expect(over).toMatchObject({ status: "resolved", endsAt: receivedAt, fingerprint: raised?.fingerprint });
  });

  test("may send a list, of which the members that nothing names are rejected", () => {
    const { alerts, rejections } = parse([{ name: "A" }, {}, "x"]);
    expect(alerts).toHaveLength(1);
    expect(rejections.map(({ raw }) => Buffer.from(raw).toString())).toEqual(["{}", '"x"']);
  });

  test.each([
    [1_787_220_000, "2026-08-20T10:00:00.000Z"],
    ["1787220000123", "2026-08-20T10:00:00.123Z"],
    ["1787220000123456789", "2026-08-20T10:00:00.123Z"],
    ["2026-08-20T12:00:00+02:00", "2026-08-20T10:00:00.000Z"],
    ["soon", receivedAt],
    [-5, receivedAt],
  ])("that writes %j means %s", (time, expected) => {
    expect(parse({ name: "A", time }).alerts[0]?.startsAt).toBe(expected);
  });
});

describe("a mapping", () => {
  const yaml = `
sources:
  uptime:
    items: checks
    name: [/check/name, {value: Unnamed check}]
    service: /check/target/service
    severity: /sev
    severities: {"1": critical, "2": warning}
    status: /state
    resolved: [Up]
    startsAt: /since
    labels:
      region: /check/region
      team: {value: edge}
    annotations:
      summary: /text
`;

  test("says where a sender keeps what an alert needs", () => {
    const checks = [
      {
        check: { name: "TLS", target: { service: "edge" }, region: "eu" },
        sev: 1,
        state: "down",
        since: "2026-08-20T10:00:00Z",
        text: "expired",
      },
      { state: "up", sev: 2 },
    ];
    expect(parse({ checks, more: 1 }, yaml, "uptime").alerts).toMatchObject([
      { name: "TLS", service: "edge", severity: "critical", labels: { region: "eu", team: "edge" }, annotations: { summary: "expired" } },
      { name: "Unnamed check", severity: "warning", status: "resolved" },
    ]);
    expect(parse({ other: [] }, yaml, "uptime").rejections).toMatchObject([{ code: "BRIDGE_FORMAT_UNKNOWN", reason: "checks is no list" }]);
  });

  test("reaches into no prototype", () => {
    const { rejections } = parse({}, "sources: {x: {name: /constructor/name}}", "x");
    expect(rejections).toHaveLength(1);
  });

  test("reads a pointer with escaped slashes and tildes", () => {
    expect(parse({ "a/b": { "~": "N" } }, "sources: {x: {name: /a~1b/~0}}", "x").alerts[0]?.name).toBe("N");
  });

  test("with faults is refused with all of them", () => {
    const read = readMappings("sources:\n  a b: {name: /x}\n  change: {name: /x}\n  c: {name: x, colour: /y}\n  d: {}\n");
    expect(read).toMatchObject({ kind: "wrong" });
    expect(read.kind === "wrong" && read.problems.join("\n")).toMatch(
      /a b: a source is.*\n.*change: .*reader of its own\n.*c\.name: a place is[\s\S]*sources\.c.*colour[\s\S]*sources\.d\.name/,
    );
    expect(readMappings("sources: [")).toMatchObject({ kind: "wrong", problems: [expect.stringContaining("line 1")] });
  });

  test("may be an empty file", () => {
    expect(readMappings("")).toMatchObject({ kind: "read" });
  });
});

describe("a change", () => {
  const change = (body: unknown) => parse(body, "", "change");

  test("is read with its versions", () => {
    const { changes } = change({
      service: "payments",
      kind: "deploy",
      version: "v2",
      previous_version: "v1",
      at: "2026-08-20T09:59:00Z",
      text: "Roll out v2",
    });
    expect(changes).toMatchObject([
      {
        service: "payments",
        kind: "deployment",
        version: "v2",
        previousVersion: "v1",
        at: "2026-08-20T09:59:00.000Z",
        text: "Roll out v2",
      },
    ]);
  });

  test("told again is the same change; at another time it is another", () => {
    const id = (at: string) => change({ service: "a", version: "1", at }).changes[0]?.id;
    expect(id("2026-08-20T09:00:00Z")).toBe(id("2026-08-20T11:00:00+02:00"));
    expect(id("2026-08-20T09:00:00Z")).not.toBe(id("2026-08-20T09:00:01Z"));
  });

  test.each([{}, { service: "" }, { service: "a", kind: "constructor" }, 5])("of %j is rejected", (body) => {
    expect(change(body)).toMatchObject({ changes: [], rejections: [{ code: "BRIDGE_MEMBER_INVALID" }] });
  });
});
