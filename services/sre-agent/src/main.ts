import { runHost } from "@tocsin/host";
import { sreAgent } from "./module.ts";

await runHost([sreAgent]);
