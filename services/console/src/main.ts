import { runHost } from "@tocsin/host";
import { consoleModule } from "./module.ts";

await runHost([consoleModule]);
