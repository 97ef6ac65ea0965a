import { runHost } from "@tocsin/host";
import { gitlabSync } from "./module.ts";

await runHost([gitlabSync]);
