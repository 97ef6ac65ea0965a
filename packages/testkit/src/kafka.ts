import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { takePlace } from "./place.ts";
import { findProgram } from "./real.ts";
import { type Place, type RunningProcess, startProcess } from "./real-process.ts";

const run = promisify(execFile);

export const KAFKA_VERSION = "4.1.0";
const VERSION = KAFKA_VERSION;
/** The programs it takes, for `lacks(...)`. */
export const KAFKA_PROGRAMS = ["java", "mvn"] as const;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.tocsin</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <!-- Without a binding the broker says nothing at all. -->
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

const keptIn = (): string => join(homedir(), ".cache", "tocsin", `kafka-${VERSION}`);

/** Are the jars there from before? Maven is needed for the first time only. */
export const isKafkaKept = (): boolean => existsSync(join(keptIn(), "libs"));

/**
 * The folder with Kafka's jars, fetched through Maven the first time (45 jars, about 20 s) and kept under `~/.cache/tocsin`.
 */
export async function installKafka(): Promise<string> {
  const folder = keptIn();
  const libs = join(folder, "libs");
  if (isKafkaKept()) return libs;
  await mkdir(join(folder, ".."), { recursive: true });
  const work = await mkdtemp(`${folder}-`);
  try {
    await writeFile(join(work, "pom.xml"), POM);
    const args = ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${join(work, "libs")}`];
    await run(findProgram("mvn") ?? "mvn", args, { cwd: work, timeout: 300_000 });
    // In one step, so that nobody sees half of it; when another process was quicker, its folder is as good.
    await rename(work, folder).catch(() => access(libs));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return libs;
}

export interface RunningKafka {
  readonly port: number;
  /** A second listener that wants TLS and a user name with a password (SASL/PLAIN), when it was asked for. */
  readonly secured?: { readonly port: number; readonly caPem: string };
  readonly pid: () => number | undefined;
  /** The broker that runs now. */
  readonly server: () => RunningProcess;
  /** Ends the broker; its data stays. `SIGKILL` is a crash. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and port. */
  resume(): Promise<void>;
  /** Ends the broker and removes its data. */
  stop(): Promise<void>;
}

export interface KafkaOptions {
  /** Further lines of `server.properties`; they win. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Opens the secured listener for this user. Takes the program `openssl`. */
  readonly user?: { readonly name: string; readonly password: string };
  /** For a test: compiled less, it takes half of the processor time until it is ready, and more of it later. Never for a measurement. */
  readonly isShortLived?: boolean;
  /** Most memory of the JVM's heap. Default `512m`. */
  readonly heap?: string;
  readonly place?: Place;
}

/** A real Apache Kafka on 127.0.0.1: one node that is broker and controller (KRaft), topics made on request only. */
export async function startKafka({
  settings = {},
  user,
  heap = "512m",
  isShortLived = false,
  place,
}: KafkaOptions = {}): Promise<RunningKafka> {
  const libs = await installKafka();
  const { folder, port, printing, leave } = await takePlace("kafka", place);
  const [controllerPort, securedPort] = [await freePort(), await freePort()];
  const certificate = user && (await selfSigned(folder));
  const properties = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${user ? `,SECURED://127.0.0.1:${securedPort}` : ""}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}${user ? `,SECURED://127.0.0.1:${securedPort}` : ""}`,
    "log.dirs": join(folder, "data"),
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "auto.create.topics.enable": "false",
    ...(user &&
      certificate && {
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secured.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required user_${user.name}="${user.password}";`,
        "listener.name.secured.ssl.keystore.type": "PEM",
        "listener.name.secured.ssl.keystore.location": certificate.keystore,
      }),
    ...settings,
  };
  const file = join(folder, "server.properties");
  await writeFile(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const compiler = isShortLived ? ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] : [];
  const java = [...compiler, "-cp", join(libs, "*"), "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];
  // Formatted once: the data of a folder that was given knows its cluster.
  if (!existsSync(join(folder, "data", "meta.properties"))) {
    // Not one that begins like an option.
    const clusterId = Buffer.from(crypto.randomUUID().replaceAll("-", ""), "hex").toString("base64url").replace(/^-/, "A");
    await run(findProgram("java") ?? "java", [
      ...java,
      "kafka.tools.StorageTool",
      "format",
      "--ignore-formatted",
      "-t",
      clusterId,
      "-c",
      file,
    ]);
  }

  const start = () =>
    startProcess("java", [`-Xmx${heap}`, ...java, "kafka.Kafka", file], () => accepts(port), {
      cwd: folder,
      timeoutMs: 180_000,
      ...printing,
    });
  let broker: RunningProcess = await start();
  return {
    port,
    ...(certificate && { secured: { port: securedPort, caPem: certificate.pem } }),
    pid: () => broker.child.pid,
    server: () => broker,
    halt: (signal = "SIGTERM") => broker.stop(signal),
    async resume() {
      broker = await start();
    },
    async stop() {
      await broker.stop(place === undefined ? "SIGKILL" : "SIGTERM"); // data that nobody reads again needs no closing
      await leave();
    },
  };
}

/** A certificate for 127.0.0.1 that signs itself, in the form in which Kafka reads it: key and chain in one file. */
async function selfSigned(folder: string): Promise<{ pem: string; keystore: string }> {
  const [key, pem, keystore] = [join(folder, "key.pem"), join(folder, "cert.pem"), join(folder, "keystore.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", pem, ...names]);
  const text = await readFile(pem, "utf8");
  await writeFile(keystore, (await readFile(key, "utf8")) + text);
  return { pem: text, keystore };
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
