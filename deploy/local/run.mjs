// What `npm start`, `npm test` and the other npm scripts call. Plain JavaScript for the Node that the machine has (20 or newer): it
// installs with pnpm, which comes through npx, and then hands over to the pinned Node of the workspace, which runs the .ts sources.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const env = {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
  NODE_OPTIONS: [process.env.NODE_OPTIONS, "--disable-warning=ExperimentalWarning"].filter(Boolean).join(" "),
  TURBO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
};

/** What Node has made of the sources is kept, where the services that the stack starts keep theirs: a third of a start's work. */
const compiled = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(homedir(), ".cache", "tocsin", "compiled") };

const say = (text) => process.stderr.write(`${text}\n`);
const fail = (text) => {
  say(`tocsin: ${text}`);
  process.exit(2);
};

/** Runs a program to its end with the terminal's own input and output. The terminal sends Ctrl-C to the child too, so here we only wait. */
function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env, stdio: "inherit", ...options });
    const forward = (signal) => child.kill(signal);
    const wait = () => {};
    process.on("SIGINT", wait);
    process.on("SIGTERM", forward);
    child.once("error", (error) => {
      say(`tocsin: cannot run ${program}: ${error.message}`);
      resolve(127);
    });
    child.once("exit", (code, signal) => {
      process.removeListener("SIGINT", wait);
      process.removeListener("SIGTERM", forward);
      resolve(code ?? (signal === "SIGINT" ? 130 : 143));
    });
  });
}

const hashOf = (paths) => {
  const hash = createHash("sha256");
  for (const path of paths.sort()) hash.update(relative(root, path)).update("\0").update(readFileSync(path)).update("\0");
  return hash.digest("hex");
};

const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ["node_modules", "dist", "test", ".turbo"].includes(entry.name) ? [] : filesBelow(path);
    return [path];
  });

/** Did a step run already for what is on disk now? A stamp says so. */
async function once(name, stampPath, inputs, step) {
  const now = hashOf(inputs);
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === now) return;
  const startedAt = Date.now();
  say(`${name} …`);
  const code = await step();
  if (code !== 0) fail(`${name} failed with exit code ${code}; what went wrong stands above`);
  mkdirSync(join(stampPath, ".."), { recursive: true });
  writeFileSync(stampPath, now);
  say(`${name}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

async function install() {
  const [major] = process.versions.node.split(".").map(Number);
  if (major < 20) fail(`Node ${process.versions.node} is too old to install with; any Node from 20 on will do`);
  const folders = ["packages", "services"].flatMap((area) => readdirSync(join(root, area)).map((name) => join(area, name)));
  const manifests = [...folders, "deploy/local"].map((folder) => join(root, folder, "package.json")).filter((path) => existsSync(path));
  await once(
    "installing dependencies (once)",
    join(root, "node_modules", ".tocsin-installed"),
    [...manifests, ...["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"].map((name) => join(root, name))],
    // Its words go to standard error: what a benchmark prints on standard output is read by machines.
    () => run("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], { stdio: ["inherit", 2, "inherit"] }),
  );
}

const bundleConsole = () => {
  const folder = join(root, "services", "console");
  return once("bundling the console", join(folder, "dist", ".tocsin-bundled"), [...filesBelow(folder), join(root, "pnpm-lock.yaml")], () =>
    run(join(bin, "turbo"), ["run", "build", "--output-logs=errors-only", "--ui=stream"]),
  );
};

/** A new data folder begins as a copy of one that was initialised once. Where none can be kept, the first start initialises its own. */
async function prepareDatabase() {
  if (/^postgres/.test(process.env.TOCSIN_STORE_URL ?? "")) return;
  const store = join(root, "packages", "store");
  const inputs = [...filesBelow(join(store, "migrations")), join(store, "src", "pglite-template.ts"), join(root, "pnpm-lock.yaml")];
  await once("preparing an empty database", join(store, "node_modules", ".cache", "tocsin-store", ".prepared"), inputs, async () => {
    await run(join(bin, "node"), [join(store, "src", "cli", "make-template.ts")], { stdio: "ignore" });
    return 0;
  });
}

/** `bench` and `eval` programs are found by name: `<part>/<kind>/<name>.ts`. */
function programs(kind) {
  const found = new Map();
  for (const area of ["packages", "services"])
    for (const part of readdirSync(join(root, area))) {
      const folder = join(root, area, part, kind);
      if (!existsSync(folder) || !statSync(folder).isDirectory()) continue;
      for (const file of readdirSync(folder)) if (file.endsWith(".ts")) found.set(basename(file, ".ts"), join(folder, file));
    }
  return found;
}

const node = (script, args) => run(join(bin, "node"), [join(root, script), ...args]);

async function named(kind, [name, ...args]) {
  const found = programs(kind);
  const known = [...found.keys()].sort();
  if (name === undefined || name === "--help" || !found.has(name)) {
    say(`usage: npm run ${kind} -- NAME [options]\nknown: ${known.join(", ") || "none yet"}`);
    return name === "--help" ? 0 : 2;
  }
  return run(join(bin, "node"), ["--expose-gc", found.get(name), ...args]);
}

const commands = {
  async start(args) {
    await install();
    await Promise.all([bundleConsole(), prepareDatabase()]);
    const log = process.env.TOCSIN_LOG_FILE ?? (process.stdout.isTTY ? join(".data", "tocsin.log") : undefined);
    if (log !== undefined) env.TOCSIN_LOG_FILE = log;
    // Beside the embedded store, whose journal they belong to.
    if (process.env.TOCSIN_STORE_URL === undefined) env.TOCSIN_EXECUTOR_AUDIT_DIR ??= join(".data", "audit");
    Object.assign(env, compiled);
    return node("services/platform/src/main.ts", args);
  },
  async test(args) {
    await install();
    await Promise.all([bundleConsole(), prepareDatabase()]);
    const report = join(root, ".artifacts", "tests.json");
    const code = await run(join(bin, "vitest"), [
      "run",
      "--config",
      ".config/vitest.config.ts",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...args,
    ]);
    if (existsSync(report)) {
      const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
      // A file that does not even load has no failed test in it.
      const failed = numFailedTests === 0 && code !== 0 ? 1 : numFailedTests;
      process.stdout.write(`${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ""}\n`);
    }
    return code;
  },
  async check(args) {
    await install();
    return run(join(bin, "turbo"), ["run", "types", "lint", "dead-code", "--output-logs=new-only", "--ui=stream", ...args]);
  },
  async bench(args) {
    await install();
    return named("bench", args);
  },
  async eval(args) {
    await install();
    return named("eval", args);
  },
  async "runbook-lint"(args) {
    await install();
    return node("services/executor/src/cli/runbook-lint.ts", args);
  },
  async backtest(args) {
    await install();
    return node("services/correlator/src/cli/backtest.ts", args);
  },
  async replay(args) {
    await install();
    return node("services/sre-agent/src/cli/replay.ts", args);
  },
  async deadletter(args) {
    await install();
    return node("services/console/src/cli/deadletter.ts", args);
  },
  async stack(args) {
    await install();
    if (args[0] === "up") await bundleConsole();
    return node("deploy/local/src/cli/stack.ts", args);
  },
  async audit(args) {
    await install();
    return node("services/executor/src/cli/audit.ts", args);
  },
};

const [command, ...args] = process.argv.slice(2);
if (command === undefined || !(command in commands)) fail(`unknown command ${command}; known: ${Object.keys(commands).join(", ")}`);
process.exit(await commands[command](args));
