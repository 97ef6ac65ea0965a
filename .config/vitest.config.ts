import { defineConfig } from "vitest/config";

// `.test.ts` needs nothing but Node, `.int.test.ts` real servers, `.e2e.test.ts` the whole platform. Files with real servers
// get time to start them; a test that still takes longer hangs.
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["{packages,services}/*/test/**/*.test.ts", "deploy/local/test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
    reporters: ["default"],
  },
});
