import { mkdir, open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { messageOf } from "@tocsin/runtime";
import { storeFolderUnusable } from "./errors.ts";

export interface FolderLock {
  release(): Promise<void>;
}

const LOCK_FILE = "tocsin.lock";
const TAKEOVER_FILE = "tocsin.lock.takeover";
/** The holder touches its lock this often; only from another host (a container on the same volume) is that looked at. */
const TOUCH_MS = 5_000;
const UNTOUCHED_MS = 20_000;

/**
 * Ticks since boot at which a process started: tells a process from a later one with the same pid. `-` where there is no /proc, and of one
 * that is dead and only waits for its parent to ask how it ended.
 */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field, the program's name, may hold spaces and brackets: count from its end. Field 3 is the state, 22 the start time.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "-" : (fields[19] ?? "-");
  } catch {
    return "-";
  }
}

const bootId = async () => (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim() || "-";

const ageMs = async (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );

/** @returns who holds the lock, in words; undefined when its holder is gone */
async function holderOf(path: string): Promise<string | undefined> {
  const [pidText = "", startedAt = "-", boot = "-", host = ""] = (await readFile(path, "utf8").catch(() => "")).trim().split(" ");
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) {
    // Created and not yet written to, or cut short by a crash.
    return (await ageMs(path)) < 1_000 ? "a process that is just starting" : undefined;
  }
  if (host !== hostname()) return (await ageMs(path)) < UNTOUCHED_MS ? `process ${pid} on ${host}` : undefined;
  if (boot !== (await bootId())) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  if (startedAt !== (await startOf(pid))) return undefined;
  return pid === process.pid ? "this process" : `process ${pid}`;
}

/** Creates a file that must not be there. @returns false when it is */
async function create(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Makes sure that the folder exists, can be written to and is used by no other living process: two PGlites on one folder would destroy
 * each other's pages. The lock is a file with pid, start time, boot and host, so that the lock of a killed process is taken
 * over at once, also when its pid has a new owner.
 *
 * @throws AppError `STORE_FOLDER_UNUSABLE`
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK_FILE);
  const takeover = join(folder, TAKEOVER_FILE);
  const content = `${process.pid} ${await startOf(process.pid)} ${await bootId()} ${hostname()}\n`;

  async function take(): Promise<string | undefined> {
    await mkdir(folder, { recursive: true });
    if (await create(path, content)) return undefined;
    const holder = await holderOf(path);
    if (holder !== undefined) return holder;
    // Two that find the same dead holder must not both remove the file: the second would remove the first one's.
    if (!(await create(takeover, content))) {
      if ((await ageMs(takeover)) < UNTOUCHED_MS) return "a process that is just starting";
      await rm(takeover, { force: true });
      return "a process that died while starting; try again";
    }
    try {
      const now = await holderOf(path);
      if (now !== undefined) return now;
      await rm(path, { force: true });
      return (await create(path, content)) ? undefined : "a process that is just starting";
    } finally {
      await rm(takeover, { force: true });
    }
  }

  let holder: string | undefined;
  try {
    holder = await take();
  } catch (error) {
    throw storeFolderUnusable(folder, messageOf(error), error);
  }
  if (holder !== undefined) throw storeFolderUnusable(folder, `${holder} is using it`);

  const touching = setInterval(() => {
    const now = new Date();
    // A folder that vanished shows in the next statement; nothing to do about it here.
    utimes(path, now, now).catch(() => {});
  }, TOUCH_MS);
  touching.unref();
  return {
    async release() {
      clearInterval(touching);
      await rm(path, { force: true });
    },
  };
}
