import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { findProgram } from "./real.ts";

export interface ImageOptions {
  /** `<repository>:<tag>` */
  readonly name: string;
  /** Dockerfile instructions, e.g. `CMD ["node"]`, `ENV A=b`. */
  readonly changes?: readonly string[];
  /** More folders, each at the top under its own name; they go into the image without being copied before. */
  readonly folders?: readonly string[];
}

/**
 * Makes an image of a folder, as `docker import` does: nothing is pulled.
 *
 * @returns its id, `sha256:…`
 */
export function importImage(socketPath: string, folder: string, { name, changes = [], folders = [] }: ImageOptions): Promise<string> {
  const colon = name.lastIndexOf(":");
  const query = new URLSearchParams({ fromSrc: "-", repo: name.slice(0, colon), tag: name.slice(colon + 1) });
  for (const change of changes) query.append("changes", change);
  return new Promise((resolve, reject) => {
    const more = folders.flatMap((path) => ["-C", dirname(path), basename(path)]);
    const tar = spawn("tar", ["--owner=0", "--group=0", "-cf", "-", "-C", folder, ".", ...more], { stdio: ["ignore", "pipe", "inherit"] });
    const headers = { "content-type": "application/x-tar", "transfer-encoding": "chunked" };
    const asked = request({ socketPath, method: "POST", path: `/images/create?${query}`, headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("end", () => {
        const id = /sha256:[0-9a-f]{64}/.exec(text)?.[0];
        if (response.statusCode === 200 && id !== undefined) resolve(id);
        else reject(new Error(`importing ${name}: ${response.statusCode} ${text.slice(0, 500)}`));
      });
    });
    asked.on("error", reject);
    tar.on("error", reject);
    tar.stdout.pipe(asked);
  });
}

/** An image of one static busybox: `sh`, `sleep`, `echo` and the like. Needs Debian's `busybox-static`. */
export async function importBusybox(socketPath: string, options: ImageOptions): Promise<string> {
  return await inTemporaryFolder(async (root) => {
    mkdirSync(join(root, "bin"));
    makeTmp(root);
    cpSync(realpathSync(findProgram("busybox") ?? "/bin/busybox"), join(root, "bin/busybox"));
    chmodSync(join(root, "bin/busybox"), 0o755);
    for (const name of ["sh", "sleep", "echo", "cat", "id", "touch", "seq", "wget", "head", "tr"])
      symlinkSync("busybox", join(root, "bin", name));
    return await importImage(socketPath, root, { ...options, changes: ["ENV PATH=/bin", ...(options.changes ?? [])] });
  });
}

/**
 * An image of this Node with the libraries it is linked to, a folder of sources at `/app/<name of the folder>` and the packages
 * these need. The entry point is `node`.
 *
 * @param sources a folder of `.ts` files, e.g. `services/lab/src/fleet`
 * @param packages names of packages, found from the folder `from`
 */
export async function importNodeApp(
  socketPath: string,
  app: { readonly sources: string; readonly packages: readonly string[]; readonly from: string },
  options: ImageOptions,
): Promise<string> {
  return await inTemporaryFolder(async (root) => {
    placeProgram(root, process.execPath, "/bin/node");
    place(root, app.sources, join("/app", basename(app.sources)));
    for (const [name, folder] of packagesNeeded(app.packages, app.from)) place(root, folder, join("/app/node_modules", name));
    makeTmp(root);
    writeFileSync(join(root, "app/package.json"), JSON.stringify({ type: "module" }));
    return await importImage(socketPath, root, {
      ...options,
      changes: ["WORKDIR /app", 'ENTRYPOINT ["/bin/node"]', "ENV PATH=/bin", ...(options.changes ?? [])],
    });
  });
}

/**
 * What stands for an official image of Node where none can be pulled: this Node with the libraries it is linked to.
 *
 * @param also programs of this machine by their name in `/bin` (the libraries they are linked to come along); `shell` adds busybox
 *   with the names that a Dockerfile's `RUN` commonly calls
 */
export async function importNodeBase(
  socketPath: string,
  also: {
    readonly programs?: Readonly<Record<string, string>>;
    readonly shell?: boolean;
  },
  options: ImageOptions,
): Promise<string> {
  return await inTemporaryFolder(async (root) => {
    for (const [name, file] of Object.entries({ node: process.execPath, ...also.programs })) placeProgram(root, file, join("/bin", name));
    if (also.shell === true) {
      placeProgram(root, findProgram("busybox") ?? "/bin/busybox", "/bin/busybox");
      for (const name of SHELL_NAMES) symlinkSync("busybox", join(root, "bin", name));
    }
    makeTmp(root);
    return await importImage(socketPath, root, { ...options, changes: ["ENV PATH=/bin", ...(options.changes ?? [])] });
  });
}

const SHELL_NAMES = ["sh", "cat", "cp", "echo", "env", "find", "ln", "ls", "mkdir", "mv", "rm", "sed", "test", "uname"];

function place(root: string, file: string, target: string): void {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  cpSync(realpathSync(file), join(root, target), { recursive: true });
}

/** A program and the libraries it is linked to; of a static one, only itself. */
function placeProgram(root: string, file: string, target: string): void {
  place(root, file, target);
  const { stdout } = spawnSync("ldd", [file], { encoding: "utf8" });
  for (const [, library] of stdout.matchAll(/(\/\S+\.so\S*)/g)) place(root, library as string, library as string);
}

/**
 * An image of one installed program with the libraries that it is linked to, and a busybox beside it. The entry point is the program.
 *
 * @param program its name, or where it is
 */
export async function importProgram(socketPath: string, program: string, options: ImageOptions): Promise<string> {
  const found = program.includes("/") ? program : findProgram(program);
  if (found === undefined) throw new Error(`${program} is not installed`);
  return await inTemporaryFolder(async (root) => {
    placeProgram(root, found, `/bin/${basename(program)}`);
    placeProgram(root, findProgram("busybox") ?? "/bin/busybox", "/bin/busybox");
    makeTmp(root);
    return await importImage(socketPath, root, {
      ...options,
      changes: [`ENTRYPOINT ["/bin/${basename(program)}"]`, "ENV PATH=/bin", ...(options.changes ?? [])],
    });
  });
}

/** Packages and, over their dependencies, all that they need: name → folder. One version of each. */
function packagesNeeded(names: readonly string[], from: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (name: string, base: string) => {
    if (found.has(name)) return;
    let folder = realpathSync(base);
    for (; ; folder = dirname(folder)) {
      try {
        found.set(name, realpathSync(join(folder, "node_modules", name)));
        break;
      } catch {
        if (folder === dirname(folder)) throw new Error(`${name} is not installed where ${base} could find it`);
      }
    }
    const own = found.get(name) as string;
    const manifest = JSON.parse(readFileSync(join(own, "package.json"), "utf8")) as { dependencies?: Record<string, string> };
    for (const needed of Object.keys(manifest.dependencies ?? {})) visit(needed, own);
  };
  for (const name of names) visit(name, from);
  return found;
}

function makeTmp(root: string): void {
  mkdirSync(join(root, "tmp"));
  chmodSync(join(root, "tmp"), 0o1777); // a tmpfs mounted there takes its mode from here
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-image-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
