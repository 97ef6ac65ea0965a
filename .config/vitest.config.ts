import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// `.test.ts` needs nothing but Node, `.int.test.ts` real servers, `.e2e.test.ts` the whole platform. Files with real servers
// get time to start them; a test that still takes longer hangs.
const include = ["{packages,services}/*/test/**/*.test.ts", "deploy/local/test/**/*.test.ts"];
/** A dozen processes each: beside most others nothing could be timed, so they come after them, and what kills all the time comes last. */
const fleets = ["services/platform/test/{stack,scale-out}.e2e.test.ts"];
const alone = ["services/platform/test/crash.e2e.test.ts"];

/** The drills wait more than they work, for minutes: begun first, they take no longer than everything beside them. */
class DrillsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isDrills = ({ moduleId }: TestSpecification) => moduleId.endsWith("/drills.e2e.test.ts");
    return (await super.sort(files)).sort((a, b) => Number(isDrills(b)) - Number(isDrills(a)));
  }
}

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
    reporters: ["default"],
    sequence: { sequencer: DrillsFirst },
    projects: [
      { extends: true, test: { name: "beside", include, exclude: [...fleets, ...alone], maxWorkers: 3, sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: "fleets", include: fleets, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
