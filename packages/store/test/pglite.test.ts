import { silentLogger } from "@tocsin/runtime";
import { describe } from "vitest";
import { openStore } from "../src/open-store.ts";
import { storeConformance } from "./store-conformance.ts";

describe("on PGlite in memory", () => {
  storeConformance((options) => openStore({ url: "embedded:memory", log: silentLogger, ...options }));
});
