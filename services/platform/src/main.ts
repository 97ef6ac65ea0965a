import { runHost } from "@tocsin/host";
import { MODULES } from "./modules.ts";
import { welcome } from "./welcome.ts";

await runHost(MODULES, { onStarted: (host) => process.stdout.write(welcome(host)) });
