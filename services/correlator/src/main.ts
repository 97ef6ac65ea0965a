import { runHost } from "@tocsin/host";
import { correlator } from "./module.ts";

await runHost([correlator]);
