import { runHost } from "@tocsin/host";
import { bridge } from "./module.ts";

await runHost([bridge]);
