// The configurations under deploy/ as the programs that read them see them: a real compose parser, promtool, amtool, Loki, HAProxy, and
// the Dockerfile built by a real daemon. No image can be pulled here, so what else stands in the compose files is checked for form.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ALERTMANAGER_PROGRAMS, findProgram, installLoki, LOKI_VERSION, lacks, lacksLoki, PROMETHEUS_PROGRAMS } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const deploy = (path: string): string => join(root, "deploy", path);
const program = (name: string): string => findProgram(name) ?? name;
const FILES = ["core", "observability", "aiops"].map((part) => deploy(`docker/docker-compose.${part}.yml`));
const OURS = ["bridge", "correlator", "sre-agent", "executor", "gitlab-sync", "chaos-api", "console"];

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: Readonly<Record<string, unknown>>;
  readonly secrets?: readonly { readonly source: string }[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly mem_limit?: string;
  readonly cpus?: number;
  readonly pids_limit?: number;
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly restart?: string;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly privileged?: boolean;
  readonly security_opt?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly args: Readonly<Record<string, string>> };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const made = mkdtempSync(join(tmpdir(), "tocsin-deploy-"));
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** As the parser of Docker Compose puts the files together; nothing of this process's environment reaches it. */
async function composed(...files: readonly string[]): Promise<Compose> {
  const { stdout } = await run(program("docker-compose"), [...files.flatMap((file) => ["-f", file]), "config"], {
    env: { PATH: process.env["PATH"], HOME: made },
    maxBuffer: 16 * 1024 * 1024,
  });
  return parse(stdout) as Compose;
}

describe.skipIf(lacks("docker-compose"))("the compose files", () => {
  let all: Compose;
  let services: [string, Service][];
  /** The parser keeps no extensions. */
  const reasons = new Map<string, string>();
  const secrets = join(made, "secrets");
  const secretNames = () => Object.values(all.secrets).map(({ file }) => basename(file));

  beforeAll(async () => {
    all = await composed(...FILES);
    services = Object.entries(all.services);
    for (const file of FILES) {
      const raw = parse(readFileSync(file, "utf8"), { merge: true }) as { services: Record<string, Record<string, string>> };
      for (const [name, service] of Object.entries(raw.services))
        if (service["x-no-health-check"]) reasons.set(name, service["x-no-health-check"]);
    }
    await run(deploy("docker/make-secrets.sh"), [secrets]);
  });
  const wrong = (isWrong: (service: Service, name: string) => boolean): string[] =>
    services.filter(([name, service]) => isWrong(service, name)).map(([name]) => name);

  test("are read together, and core alone", async () => {
    expect(services.map(([name]) => name)).toEqual(
      expect.arrayContaining([...OURS, "redpanda", "postgres", "redis", "traefik", "prometheus", "alertmanager", "grafana"]),
    );
    expect(services.map(([name]) => name)).toEqual(expect.arrayContaining(["loki", "tempo", "alloy", "otel-collector", "uptime-kuma"]));
    const core = await composed(FILES[0] as string);
    expect(Object.keys(core.services).toSorted()).toEqual(["postgres", "redis", "redpanda", "traefik"]);
  });

  test("pin every image to one release", () => {
    expect(wrong(({ image }) => !/^[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*$/.test(image))).toEqual([]);
  });

  test("ask every service for its health, or say why not; nobody waits for the health of one that has none", () => {
    const isAsked = ({ healthcheck }: Service) => ![undefined, "NONE"].includes(healthcheck?.test?.[0]);
    expect(wrong((service, name) => isAsked(service) === reasons.has(name))).toEqual([]);
    const waiting = services.flatMap(([name, { depends_on = {} }]) =>
      Object.entries(depends_on)
        .filter(([other, { condition }]) => isAsked(all.services[other] as Service) !== (condition === "service_healthy"))
        .map(([other]) => `${name} → ${other}`),
    );
    expect(waiting).toEqual([]);
    for (const name of OURS)
      expect(Object.keys(all.services[name]?.depends_on ?? {})).toEqual(expect.arrayContaining(["postgres", "redis", "redpanda"]));
  });

  test("limit memory, processors and processes of every service, and start it again", () => {
    const limited = ({ mem_limit, cpus, pids_limit, restart, init }: Service) =>
      mem_limit !== undefined && cpus !== undefined && pids_limit !== undefined && restart === "unless-stopped" && init === true;
    expect(wrong((service) => !limited(service))).toEqual([]);
  });

  test("take every right away that a service does not need", () => {
    expect(
      wrong(({ cap_drop, cap_add, privileged, security_opt }) =>
        Boolean(privileged || cap_add || cap_drop?.[0] !== "ALL" || security_opt?.[0] !== "no-new-privileges:true"),
      ),
    ).toEqual([]);
    // rpk writes the configuration that its flags ask for.
    expect(wrong(({ read_only }) => read_only !== true)).toEqual(["redpanda"]);
    // Our images name a user themselves, and so does Redpanda's; the proxies own the socket and nothing else.
    expect(wrong(({ user, image }) => user === undefined && !image.startsWith("tocsin/"))).toEqual(["redpanda"]);
    expect(wrong(({ user }) => user?.startsWith("0:") ?? false).toSorted()).toEqual(["docker-proxy", "docker-proxy-read"]);
  });

  test("give the Docker socket to two proxies alone, and each proxy to one", () => {
    expect(wrong(({ volumes = [] }) => volumes.some((volume) => volume.includes("docker.sock"))).toSorted()).toEqual([
      "docker-proxy",
      "docker-proxy-read",
    ]);
    const on = (network: string) => wrong(({ networks }) => network in networks).toSorted();
    expect(on("docker-act")).toEqual(["docker-proxy", "executor"]);
    expect(on("docker-read")).toEqual(["alloy", "docker-proxy-read"]);
    for (const network of ["data", "docker-act", "docker-read"]) expect(all.networks[network]?.internal, network).toBe(true);
    expect(wrong(({ environment }) => environment?.["TOCSIN_TARGETS_URL"]?.startsWith("docker") ?? false)).toEqual(["executor"]);
  });

  test("open ports on this machine alone, and one of them to Tocsin", () => {
    const open = services.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`)).toSorted();
    expect(open.filter((port) => !/ 127\.0\.0\.1:/.test(port))).toEqual([]);
    expect(open.filter((port) => port.endsWith(":8080/tcp"))).toEqual(["traefik 127.0.0.1:8080:8080/tcp"]);
  });

  test("hold no secret: each comes from a file that make-secrets.sh makes and that others cannot list", async () => {
    const text = JSON.stringify(all.services);
    expect(text).not.toMatch(/:\/\/[^"/@:]*:[^"/@]+@/);
    const inline = services.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([key, value]) => /TOKEN|PASSWORD|SECRET|API_KEY/.test(key) && !/_FILE$/.test(key) && Boolean(value))
        .map(([key]) => `${name} ${key}`),
    );
    expect(inline).toEqual([]);
    for (const name of secretNames()) {
      const file = statSync(join(secrets, name));
      expect((file.mode & 0o777).toString(8), name).toBe("444");
      if (!["gitlab_token", "llm_api_key"].includes(name)) expect(file.size, name).toBeGreaterThan(16);
    }
    expect((statSync(secrets).mode & 0o777).toString(8)).toBe("700");
    const before = readFileSync(join(secrets, "api_token"), "utf8");
    expect((await run(deploy("docker/make-secrets.sh"), [secrets])).stdout).toBe("");
    expect(readFileSync(join(secrets, "api_token"), "utf8")).toBe(before);
    expect(readFileSync(join(secrets, "store_url"), "utf8")).toContain(readFileSync(join(secrets, "postgres_password"), "utf8").trim());
    // Declared where it is used, and mounted where a path names it.
    const missing = services.flatMap(([name, service]) =>
      [
        ...new Set(
          [...JSON.stringify([service.environment, service.command]).matchAll(/\/run\/secrets\/(\w+)/g)].map(([, secret]) => secret),
        ),
      ]
        .filter((secret) => !service.secrets?.some(({ source }) => source === secret))
        .map((secret) => `${name} ${secret}`),
    );
    expect(missing).toEqual([]);
  });

  test("mount only files that there are", () => {
    const bound = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(":")[0] as string));
    const files = bound.filter((path) => path.startsWith("/") && !path.endsWith("docker.sock"));
    expect(files.length).toBeGreaterThan(8);
    expect(files.filter((path) => !existsSync(path))).toEqual([]);
  });

  test("let everybody reach whom a configuration names", () => {
    const reached = (from: string, file: string) =>
      [...readFileSync(deploy(file), "utf8").matchAll(/(?:\/\/|"|^|\s)([a-z][a-z-]+):(\d{4,5})\b/gm)]
        .map(([, to]) => [from, to as string] as const)
        .filter(([, to]) => to in all.services);
    const pairs = [
      ...reached("prometheus", "prometheus/prometheus.compose.yml"),
      ...reached("alertmanager", "alertmanager/alertmanager.compose.yml"),
      ...reached("grafana", "grafana/provisioning/datasources/datasources.yaml"),
      ...reached("grafana", "grafana/provisioning/alerting/contact-points.yaml"),
      ...reached("alloy", "alloy/config.alloy"),
      ...reached("otel-collector", "otel-collector/otel-collector.yml"),
      ...reached("traefik", "traefik/routes.yml"),
      ...services.flatMap(([from, { environment = {}, command = [] }]) =>
        [...JSON.stringify([Object.values(environment), command]).matchAll(/\/\/([a-z][a-z-]+):\d+/g)]
          .map(([, to]) => [from, to as string] as const)
          .filter(([, to]) => to in all.services),
      ),
      ...OURS.flatMap((from) => ["postgres", "redis", "redpanda"].map((to) => [from, to] as const)),
    ];
    expect(pairs.length).toBeGreaterThan(60);
    const apart = pairs.filter(([from, to]) => {
      const networks = all.services[from]?.networks ?? {};
      return from !== to && !Object.keys(all.services[to]?.networks ?? {}).some((network) => network in networks);
    });
    expect([...new Set(apart.map((pair) => pair.join(" → ")))]).toEqual([]);
    // And nobody is named who is not there.
    const targets = [...readFileSync(deploy("prometheus/prometheus.compose.yml"), "utf8").matchAll(/targets: \["([\w.-]+):/g)];
    expect(targets.map(([, host]) => host as string).filter((host) => host !== "127.0.0.1" && !(host in all.services))).toEqual([]);
  });

  test("build each of our images from the one Dockerfile, and label the shop so that the executor may act on it", () => {
    for (const name of OURS)
      expect(all.services[name]).toMatchObject({
        image: expect.stringMatching(`^tocsin/${name}:`),
        build: { args: { SERVICE: name } },
        labels: { "tocsin.service": `tocsin-${name}` }, // as Prometheus is told to call it
      });
    expect(readFileSync(deploy("prometheus/prometheus.compose.yml"), "utf8").match(/service: tocsin-[a-z-]+/g)).toEqual(
      OURS.map((name) => `service: tocsin-${name}`),
    );
    const builds = services.flatMap(([, { build }]) => build ?? []);
    for (const { context, dockerfile, args } of builds) {
      expect(existsSync(join(context, dockerfile))).toBe(true);
      expect(existsSync(join(context, "services", args["SERVICE"] as string, "src/main.ts"))).toBe(true);
    }
    const shop = services.filter(([, { labels }]) => labels?.["tocsin.managed"] === "true");
    expect(shop.map(([name, { labels }]) => [name, labels?.["tocsin.service"]]).toSorted()).toEqual(
      ["cart", "catalog", "checkout", "inventory", "payments", "storefront"].map((name) => [`lab-${name}`, name]),
    );
    const { catalog } = parse(readFileSync(join(root, "pnpm-workspace.yaml"), "utf8")) as { catalog: Record<string, string> };
    expect(readFileSync(deploy("docker/Dockerfile"), "utf8").match(/node:[\d.]+/g)).toEqual([
      `node:${catalog["node"]}`,
      `node:${catalog["node"]}`,
    ]);
  });

  test.each(OURS)("give %s settings that it accepts and reads", async (name) => {
    const environment = Object.fromEntries(
      Object.entries(all.services[name]?.environment ?? {}).map(([key, value]) => [key, (value ?? "").replace("/run/secrets", secrets)]),
    );
    const args = ["--disable-warning=ExperimentalWarning", join(root, "services", name, "src/main.ts"), "--check-config"];
    const { stdout } = await run(process.execPath, args, {
      cwd: root,
      env: { PATH: process.env["PATH"], TOCSIN_HOST: "0.0.0.0", TOCSIN_PORT: "8080", ...environment },
    });
    expect(stdout).toBe("configuration is good\n");
  });
});

describe.skipIf(lacks(...PROMETHEUS_PROGRAMS, ...ALERTMANAGER_PROGRAMS, "amtool"))("the monitoring's configurations", () => {
  test.each(["prometheus.compose.yml", "prometheus.lab.yml"])("promtool takes %s and the rules that it names", async (file) => {
    const { stdout } = await run(program("promtool"), ["check", "config", deploy(`prometheus/${file}`)]);
    expect(stdout).not.toMatch(/FAILED|lint/);
  });

  test.each(["slo.test.yml", "tocsin.test.yml"])("promtool finds the alerts of %s fire and end when they should", async (file) => {
    await run(program("promtool"), ["test", "rules", deploy(`prometheus/tests/${file}`)]);
  });

  test.each([
    ["alertname=Watchdog", "tocsin"],
    ["alertname=HighLatency job=lab service=payments", "tocsin"],
    ["alertname=ErrorBudgetBurn job=shop severity=critical", "tocsin"],
    ["alertname=TocsinDown tocsin_self=true", "people,tocsin"],
  ])("Alertmanager sends %s to %s", async (labels, receivers) => {
    const config = deploy("alertmanager/alertmanager.compose.yml");
    await run(program("amtool"), ["check-config", config]);
    const { stdout } = await run(program("amtool"), ["config", "routes", "test", `--config.file=${config}`, ...labels.split(" ")]);
    expect(stdout.trim()).toBe(receivers);
  });
});

describe.skipIf(lacksLoki())("Loki's configuration", () => {
  test("is one that the release in the compose file takes", async () => {
    const loki = await installLoki();
    await run(loki, ["-verify-config", `-config.file=${deploy("loki/loki.yml")}`], { cwd: made });
    expect(readFileSync(FILES[1] as string, "utf8")).toContain(`image: grafana/loki:${LOKI_VERSION.replace(/^v/, "")}\n`);
  });
});
