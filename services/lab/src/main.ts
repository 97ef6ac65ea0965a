import { runHost } from "@tocsin/host";
import { lab } from "./module.ts";

await runHost([lab]);
