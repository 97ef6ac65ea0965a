import { existsSync, openAsBlob } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { digestOf, uuidv7 } from "@tocsin/runtime";
import { copyTemplate, KEPT_FOLDER } from "./pglite-template.ts";

// PGlite's own 128 MB stay resident once touched; our working set is far smaller, and what does not fit is in the kernel's page cache.
const START_PARAMS = [...PGlite.defaultStartParams, "-c", "shared_buffers=32MB"];
const OPTIONS = { startParams: START_PARAMS, extensions: { vector } };

/**
 * Opens PGlite on a folder, or in memory. Never with `relaxedDurability`: a statement is answered only when its writes are with the
 * operating system, where no killed process can lose them.
 */
export async function openDatabase(folder: string | undefined): Promise<PGlite> {
  const db = folder === undefined ? await openInMemory() : await openInFolder(folder);
  await db.exec("SET TIME ZONE 'UTC'; SET DateStyle = 'ISO'");
  return db;
}

async function openInFolder(folder: string): Promise<PGlite> {
  if (!existsSync(folder)) await copyTemplate(folder);
  return PGlite.create(folder, OPTIONS);
}

/** Makes a folder a data folder, with nothing in it. */
export async function initialise(folder: string): Promise<void> {
  const db = await PGlite.create(folder, OPTIONS);
  await db.close();
}

/** The freshly initialised cluster is kept as an image: initialising takes two seconds, loading it 0.4 s. */
async function openInMemory(): Promise<PGlite> {
  // The paths name the versions.
  const made = import.meta.resolve("@electric-sql/pglite") + import.meta.resolve("@electric-sql/pglite-pgvector");
  const image = `${KEPT_FOLDER}${digestOf(made).slice(7, 23)}.tar`;
  try {
    return await PGlite.create("memory://", { ...OPTIONS, loadDataDir: await openAsBlob(image) });
  } catch {
    // Not there yet, or not readable: initialise, and keep the result if the place can be written to.
    const db = await PGlite.create("memory://", OPTIONS);
    await db.exec("CREATE EXTENSION IF NOT EXISTS vector");
    await keepImage(db, image).catch(() => {});
    return db;
  }
}

async function keepImage(db: PGlite, image: string): Promise<void> {
  const own = `${image}.${uuidv7()}`;
  try {
    await mkdir(KEPT_FOLDER, { recursive: true });
    await writeFile(own, Buffer.from(await (await db.dumpDataDir("none")).arrayBuffer()));
    // Several processes may do this at once; each rename is whole.
    await rename(own, image);
  } finally {
    await rm(own, { force: true });
  }
}
