// Runs a lab of two services and tells its address; the test kills it without warning.
import { createTeardown, silentLogger } from "@tocsin/runtime";
import { startLab } from "../../src/lab.ts";

const { onStop } = createTeardown(silentLogger);
const services = ["payments", "inventory"];
const { address } = await startLab({ log: silentLogger, onStop, host: "127.0.0.1", port: 0, requestsPerSecond: 0, seed: 1, services });
process.send?.({ address });
