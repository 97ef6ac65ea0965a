import { runHost } from "@tocsin/host";
import { executor } from "./module.ts";

await runHost([executor]);
