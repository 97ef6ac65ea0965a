import { existsSync, openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { copyTemplate, templateImage } from "./pglite-template.ts";

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

async function openInMemory(): Promise<PGlite> {
  const image = await templateImage();
  return PGlite.create("memory://", image === undefined ? OPTIONS : { ...OPTIONS, loadDataDir: await openAsBlob(image) });
}

/** Writes what a data folder holds into one file, from which PGlite in memory can begin. */
export async function writeImage(folder: string, file: string): Promise<void> {
  const db = await PGlite.create(folder, OPTIONS);
  await writeFile(file, Buffer.from(await (await db.dumpDataDir("none")).arrayBuffer()));
  await db.close();
}
