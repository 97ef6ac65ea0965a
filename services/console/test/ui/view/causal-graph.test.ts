import type { IncidentView, Topology } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { causalGraph } from "../../../src/ui/view/causal-graph.ts";
import { rankCommands } from "../../../src/ui/view/commands.ts";
import { safeHref } from "../../../src/ui/view/links.ts";

const member = (service: string, role: string, status = "firing") => ({ name: "High", service, role, status, reasons: [{ text: "slow" }] });
const incident = {
  verdict: "cause",
  causes: [{ service: "db", text: "out of memory" }],
  members: [member("api", "root"), member("web", "symptom", "resolved")],
} as unknown as IncidentView;
const topology: Topology = {
  services: [
    { id: "web", dependsOn: ["api"], labels: {} },
    { id: "api", dependsOn: ["db", "api"], labels: {} },
    { id: "db", dependsOn: [], labels: {} },
  ],
};

test("the cause stands out even where no alert names it, and trouble's way is marked", () => {
  const { nodes, edges } = causalGraph(incident, topology);
  expect(nodes.map(({ id, role, firing }) => [id, role, firing])).toEqual([
    ["api", "root", 1],
    ["db", "cause", 0],
    ["web", "symptom", 0],
  ]);
  expect(edges).toEqual([
    { from: "web", to: "api", isPath: true },
    { from: "api", to: "db", isPath: true },
  ]);
});

test("of a large estate only who takes part and their neighbours are shown", () => {
  const many = Array.from({ length: 500 }, (_, n) => ({ id: `s${n}`, dependsOn: n === 0 ? ["db"] : [], labels: {} }));
  const { nodes } = causalGraph(incident, { services: [...topology.services, ...many] });
  expect(nodes.map(({ id }) => id)).toEqual(["api", "db", "s0", "web"]);
  expect(causalGraph(incident, undefined).nodes).toHaveLength(3);
});

test("only addresses of the web are links", () => {
  expect(safeHref("https://example.org/a")).toBe("https://example.org/a");
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "//example.org", "", undefined]) expect(safeHref(bad)).toBeUndefined();
});

test("the palette finds by the beginnings of words before anything else", () => {
  const commands = ["Happy Memory", "payments: HighMemory", "Permissions"].map((text) => ({ text }));
  expect(rankCommands(commands, "paymem").map(({ text }) => text)).toEqual(["payments: HighMemory"]);
  expect(rankCommands(commands, "pm")[0]?.text).not.toBe("Happy Memory");
  expect(rankCommands(commands, "")).toHaveLength(3);
});
