import type { IncidentView } from "@tocsin/contracts";
import { eventually } from "@tocsin/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PlatformUnderTest, platformUnderTest } from "./platform-under-test.ts";

let platform: PlatformUnderTest;
beforeAll(async () => {
  platform = await platformUnderTest("people", { TOCSIN_MODULES: "bridge,correlator,console" });
});
afterAll(() => platform.stop());

const fires = (alertname: string, service: string) => ({
  status: "firing",
  labels: { alertname, service, severity: "warning", instance: `${service}:9090` },
  annotations: {},
  startsAt: new Date().toISOString(),
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "",
});
const incidentOf = (service: string) =>
  eventually(`${service} has an incident`, async () => {
    const { items } = await platform.get<{ items: { id: string; state: string }[] }>(`/api/v1/incidents?service=${service}`);
    return items.find(({ state }) => state !== "closed");
  });
const view = (id: string) => platform.get<IncidentView>(`/api/v1/incidents/${id}`);

test("what a person merges and splits again, the correlator regroups while it works on", async () => {
  const alerts = [fires("DiskFilling", "billing"), fires("QueueGrowing", "mailer")];
  // In two deliveries: nothing but the person connects the two.
  for (const alert of alerts) {
    const { status } = await platform.post("/webhooks/alertmanager", { version: "4", groupKey: alert.labels.alertname, alerts: [alert] });
    expect(status).toBe(202);
  }
  const into = await incidentOf("billing");
  const from = await incidentOf("mailer");
  expect(into.id).not.toBe(from.id);

  expect(await platform.post(`/api/v1/incidents/${from.id}/merge`, { into: into.id, by: "ada" })).toMatchObject({ status: 202 });
  const merged = await eventually("both alerts are in one incident", async () => {
    const incident = await view(into.id);
    return incident.members.length === 2 ? incident : undefined;
  });
  const moved = merged.members.find(({ labels }) => labels["service"] === "mailer");
  expect(moved?.reasons.map(({ text }) => text).join()).toContain("ada");
  expect((await view(from.id)).state).toBe("closed");

  const split = { fingerprints: [moved?.fingerprint], by: "ada" };
  expect(await platform.post(`/api/v1/incidents/${into.id}/split`, split)).toMatchObject({ status: 202 });
  const apart = await incidentOf("mailer");
  expect(apart.id).not.toBe(into.id);
  expect((await view(into.id)).members.map(({ labels }) => labels["service"])).toEqual(["billing"]);
  const { items } = await platform.get<{ items: { outcome: string }[] }>("/api/v1/alerts?limit=10");
  expect(items.map(({ outcome }) => outcome)).toEqual(["incident", "incident"]);
});
