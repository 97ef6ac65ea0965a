// Makes the template of a data folder (`pglite-template.ts`) unless there is one: in a process of its own, since what initialising takes of
// memory stays with the process. `npm start` runs it after an installation, and whoever opens a new folder and finds none.
import { silentLogger } from "@tocsin/runtime";
import { openStore } from "../open-store.ts";
import { initialise, writeImage } from "../pglite-open.ts";
import { DATA, IMAGE, keepTemplate } from "../pglite-template.ts";

await keepTemplate(async (folder) => {
  await initialise(`${folder}/${DATA}`);
  const store = await openStore({ url: `embedded:${folder}`, log: silentLogger });
  await store.close();
  await writeImage(`${folder}/${DATA}`, `${folder}/${IMAGE}`);
});
