import { runHost } from "@tocsin/host";
import { chaosApi } from "./module.ts";

await runHost([chaosApi]);
