import type Docker from "dockerode";
import { targetUnsupported } from "../errors.ts";
import type { OneOff } from "../target-port.ts";
import { LABELS } from "./labels.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/;
const MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * Pure: the hardened container of a step. Nothing in it comes from the step but the program, its environment, its name and
 * labels, and at most one named network.
 *
 * @param imageId `sha256:…`, so that what was looked at is what runs
 * @param deadlineAt epoch milliseconds
 * @see OWASP Docker Security Cheat Sheet; moby API, HostConfig
 */
export function oneOffSpec(spec: OneOff, imageId: string, deadlineAt: number): Docker.ContainerCreateOptions {
  const network = spec.network ?? "none";
  if (!NAME.test(spec.name)) throw targetUnsupported(`${JSON.stringify(spec.name)} cannot name a container`);
  if (network === "host" || network.startsWith("container:")) throw targetUnsupported(`a step may not share the network ${network}`);
  const [program, ...args] = spec.argv;
  if (program === undefined || program === "") throw targetUnsupported("a step needs a program to run");
  return {
    name: spec.name,
    Image: imageId,
    Entrypoint: [program],
    Cmd: args,
    Env: Object.entries(spec.env ?? {}).map(([key, value]) => `${key}=${value}`),
    User: "65532:65532",
    Tty: false,
    OpenStdin: false,
    AttachStdin: false,
    Labels: { ...spec.labels, [LABELS.oneOff]: "true", [LABELS.deadline]: new Date(deadlineAt).toISOString() },
    HostConfig: {
      CapDrop: ["ALL"],
      CapAdd: [],
      SecurityOpt: ["no-new-privileges:true"],
      Privileged: false,
      ReadonlyRootfs: true,
      Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m" },
      NetworkMode: network,
      PidsLimit: 128,
      Memory: MEMORY_BYTES,
      MemorySwap: MEMORY_BYTES,
      NanoCpus: 500_000_000,
      Ulimits: [
        { Name: "nofile", Soft: 1_024, Hard: 1_024 },
        { Name: "core", Soft: 0, Hard: 0 },
      ],
      Init: true,
      AutoRemove: false,
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "json-file", Config: { "max-size": "2m", "max-file": "1" } },
      IpcMode: "private",
    },
  };
}
