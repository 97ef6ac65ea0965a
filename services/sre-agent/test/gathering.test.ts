import type { Member } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { diagnosisInputOf, gatherSignals, worthExcluding } from "../src/gathering.ts";
import { fakeSignals, wellSystem } from "./fakes.ts";

const NOW = 1_780_000_000;
const OPTIONS = { baselineSeconds: 300, leadSeconds: 30, stepSeconds: 5, maxServices: 50, maxLogLines: 100, timeoutMs: 1_000 };
const member = (service: string | undefined): Member => ({
  fingerprint: "0000000000000001",
  name: "HighErrorRatio",
  ...(service === undefined ? {} : { service }),
  severity: "critical",
  labels: {},
  annotations: {},
  status: "firing",
  startsAt: new Date((NOW - 20) * 1_000).toISOString(),
  role: "root",
  reasons: [],
});

test("every source that fails is named and the others stand", async () => {
  const signals = fakeSignals({ ...wellSystem(), isAway: true });
  const gathered = await gatherSignals(signals, [member("storefront")], NOW, OPTIONS);
  expect(gathered.missing).toContain("metrics: connection refused");
  expect(gathered.missing.find((each) => each.startsWith("logs: connection refused"))).toContain("payments");
  expect(gathered.topology.services).toHaveLength(3);
});

test("a source that hangs on to a throw in its own code is no end of it", async () => {
  const signals = {
    ...fakeSignals(wellSystem()),
    topology: {
      current: () => {
        throw new Error("no topology");
      },
    },
  };
  const gathered = await gatherSignals(signals, [member("storefront")], NOW, OPTIONS);
  expect(gathered.missing).toEqual(["topology: no topology"]);
  expect(gathered.series.length).toBeGreaterThan(0);
});

test("alerts that name no service or an unknown one gather what there is", async () => {
  const gathered = await gatherSignals(fakeSignals(wellSystem()), [member(undefined), member("mainframe")], NOW, OPTIONS);
  expect(new Set(gathered.series.map((one) => one.service))).toEqual(new Set(["storefront", "checkout", "payments"]));
});

test("what was changed during an earlier incident is left out", async () => {
  const signals = fakeSignals(wellSystem());
  expect((await gatherSignals(signals, [member("storefront")], NOW, OPTIONS)).changes).toHaveLength(1);
  const earlier = [{ from: NOW - 100, to: NOW - 60 }];
  expect((await gatherSignals(signals, [member("storefront")], NOW, OPTIONS, earlier)).changes).toEqual([]);
  const settling = [{ from: NOW - 100, to: NOW - 60, overAt: NOW - 99 }];
  expect((await gatherSignals(signals, [member("storefront")], NOW, OPTIONS, settling)).changes).toHaveLength(1);
});

test("JSON and back keeps gaps as gaps", async () => {
  const gathered = await gatherSignals(fakeSignals(wellSystem()), [member("storefront")], NOW, OPTIONS);
  const [first] = gathered.series;
  const broken = { ...gathered, series: [{ ...first, samples: [[NOW - 10, null]] as const }] } as typeof gathered;
  const input = diagnosisInputOf(JSON.parse(JSON.stringify(broken)), (content) => content);
  expect(input.series[0]?.samples[0]?.[1]).toBeNaN();
});

test("earlier incidents are left out of the baseline only while enough of it stays", () => {
  const long = [{ from: 100, to: 400 }];
  expect(worthExcluding(long, 0, 1_000)).toBe(long);
  expect(worthExcluding(long, 0, 389)).toBe(long); // 100 s are left
  expect(
    worthExcluding(
      [
        { from: 0, to: 200 },
        { from: 100, to: 350 },
      ],
      0,
      430,
    ),
  ).toEqual([]); // 80 s, the overlap counted once
});
