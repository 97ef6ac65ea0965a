import { silentLogger } from "@tocsin/runtime";
import { afterAll, beforeAll } from "vitest";
import type { Store } from "../../src/database.ts";
import { openStore } from "../../src/open-store.ts";
import { recallFacts } from "./recall-facts.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store?.close());

recallFacts(() => store, "pgvector");
