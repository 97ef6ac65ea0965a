// Terms. The *template* is a data folder that was initialised and migrated once and never used; a new data folder begins as its copy. Its
// *image* is the same as one file, for PGlite in memory.
import { execFile } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { digestOf, uuidv7 } from "@tocsin/runtime";
import { readMigrations } from "./migrate.ts";

/** What was made of the packages and can be made again. */
const KEPT_FOLDER = fileURLToPath(new URL("../node_modules/.cache/tocsin-store/", import.meta.url));
const PROGRAM = fileURLToPath(new URL("cli/make-template.ts", import.meta.url));
const PREFIX = "folder-";
/** What a template consists of. */
export const DATA = "pgdata";
export const IMAGE = "pgdata.tar";
/** Initialising takes four seconds on an idle machine. */
const MAKE_WITHIN_MS = 120_000;

/** Where the template of this code is: the paths name the versions of PGlite and of what comes with it. */
async function templateOf(): Promise<string> {
  const versions = ["@electric-sql/pglite", "@electric-sql/pglite-pgvector", "pg-boss"].map((name) => import.meta.resolve(name));
  const migrations = (await readMigrations()).map(({ name, checksum }) => `${name} ${checksum}`);
  return join(KEPT_FOLDER, `${PREFIX}${digestOf([DATA, IMAGE, ...versions, ...migrations].join("\n")).slice(7, 23)}`);
}

/**
 * Makes the template, unless there is one. `make` fills an empty folder.
 *
 * @throws when it fails or the place cannot be written to
 */
export async function keepTemplate(make: (folder: string) => Promise<void>, place?: string): Promise<void> {
  const template = place ?? (await templateOf());
  if (existsSync(template)) return;
  const own = `${template}.${uuidv7()}`;
  try {
    await mkdir(own, { recursive: true });
    await make(own);
    // Two processes may do this at once; the template of the first one stays.
    await rename(own, template).catch((error: unknown) => {
      if (!existsSync(template)) throw error;
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  const old = (await readdir(dirname(template))).filter((name) => /^folder-[0-9a-f]+$/.test(name) && !template.endsWith(name));
  for (const name of old) await rm(join(dirname(template), name), { recursive: true, force: true });
}

/** @returns the path of the template, which is made when it is not there @throws when it cannot be made */
async function readyTemplate(place?: string): Promise<string> {
  const template = place ?? (await templateOf());
  if (!existsSync(template)) await promisify(execFile)(process.execPath, [PROGRAM], { timeout: MAKE_WITHIN_MS });
  return template;
}

/** @returns the path of the image; undefined when there is none and none can be made: PGlite then initialises its memory itself */
export async function templateImage(place?: string): Promise<string | undefined> {
  try {
    const image = join(await readyTemplate(place), IMAGE);
    return existsSync(image) ? image : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Fills a data folder that is not there yet from the template; in one step, so that a process that dies meanwhile leaves none behind.
 * Initialising in this process would take longer by seconds, and hundreds of MiB that it keeps.
 *
 * @returns false when there is no template and none can be made: PGlite then initialises the folder itself
 */
export async function copyTemplate(dataFolder: string, place?: string): Promise<boolean> {
  const own = `${dataFolder}.new`;
  try {
    const template = await readyTemplate(place);
    // What a process that was killed here has left.
    await rm(own, { recursive: true, force: true });
    // Twelve hundred small files: twice as fast as through the thread pool, and nothing else can run yet.
    cpSync(join(template, DATA), own, { recursive: true });
    await rename(own, dataFolder);
    return true;
  } catch {
    await rm(own, { recursive: true, force: true });
    return false;
  }
}
