import { messageOf } from "@tocsin/runtime";
import type Docker from "dockerode";
import { targetFailed } from "../errors.ts";
import type { OneOff, OneOffResult } from "../target-port.ts";
import { createCappedText } from "./capped-text.ts";
import type { Inspected } from "./container-view.ts";
import { ask, listenTo, readLogs } from "./docker-calls.ts";
import { LABELS } from "./labels.ts";
import { oneOffSpec } from "./one-off-spec.ts";

const OUTPUT_CAP = 65_536;

/**
 * Runs a one-off container, or goes on with the one of that name: running → waits for it; exited → its recorded result; created but
 * never started → starts it. So a call repeated after a crash never runs a step twice.
 *
 * The container stays (its name is the memory of having run) until {@link reapOneOffs}.
 *
 * @throws AppError `TARGET_FAILED` when the image is missing or the container cannot start, or the name belongs to something else
 */
export async function runOneOff(docker: Docker, spec: OneOff): Promise<OneOffResult> {
  const image = await ask(`inspect image ${spec.image}`, () => docker.getImage(spec.image).inspect());
  const wanted = oneOffSpec(spec, (image as Docker.ImageInspectInfo).Id, Date.now() + spec.timeoutMs);
  const created = await ask(`create ${spec.name}`, () => docker.createContainer(wanted), [409]);
  const container = docker.getContainer(spec.name);
  const before = (await ask(`inspect ${spec.name}`, () => container.inspect())) as Inspected;
  if (before.Config.Labels?.[LABELS.oneOff] !== "true")
    throw targetFailed(`running ${spec.name}`, 409, "the name belongs to another container");

  const deadlineAt = Date.parse(before.Config.Labels[LABELS.deadline] ?? "") || Date.now() + spec.timeoutMs;
  const output = createCappedText(OUTPUT_CAP);
  let timedOut = false;
  if (before.State.Status === "created" || before.State.Running) {
    const isRunning = before.State.Running;
    const print = (text: string) => {
      output.append(text);
      spec.onOutput?.(text);
    };
    // Both opened before the start, so that even the shortest run is not missed.
    const exited = container.wait({ condition: isRunning ? "not-running" : "next-exit" });
    exited.catch(() => {}); // looked at below, unless the start fails
    const printed = isRunning
      ? readLogs(docker, spec.name, { follow: true, timestamps: false, tty: false }, print)
      : (await ask(`attach to ${spec.name}`, () => listenTo(docker, spec.name, print)))?.ended;
    printed?.catch((error) => output.append(`\n(the output could not be read to its end: ${messageOf(error)})`));
    if (!isRunning) await ask(`start ${spec.name}`, () => container.start(), [304]);
    const kill = () => void ask(`kill ${spec.name}`, () => container.kill(), [404, 409]).catch(() => {});
    const deadline = setTimeout(
      () => {
        timedOut = true;
        kill();
      },
      Math.max(0, deadlineAt - Date.now()),
    );
    spec.signal?.addEventListener("abort", kill, { once: true });
    if (spec.signal?.aborted) kill();
    try {
      await ask(`wait for ${spec.name}`, () => exited);
      await printed?.catch(() => {}); // said in the output already
    } finally {
      clearTimeout(deadline);
      spec.signal?.removeEventListener("abort", kill);
    }
    spec.signal?.throwIfAborted();
  } else await readLogs(docker, spec.name, { follow: false, timestamps: false, tty: false }, (text) => output.append(text));

  const after = (await ask(`inspect ${spec.name}`, () => container.inspect())) as Inspected;
  return { exitCode: after.State.ExitCode, output: output.toString(), timedOut, resumed: created === undefined };
}

/** A result that nobody asked for within this time was recorded or is not wanted any more. */
const KEEP_MS = 10 * 60_000;

/** Removes one-offs that ended a while ago, and ends those that run past their deadline. @returns how many were removed */
export async function reapOneOffs(docker: Docker, nowMs: number): Promise<number> {
  const listed = await ask("list one-offs", () => docker.listContainers({ all: true, filters: { label: [`${LABELS.oneOff}=true`] } }));
  let removed = 0;
  for (const { Id: id } of listed ?? []) {
    const info = await ask(`inspect ${id}`, () => docker.getContainer(id).inspect(), [404]);
    if (!info) continue;
    const overAt = Date.parse(info.Config.Labels?.[LABELS.deadline] ?? "") || 0;
    const endedAt = info.State.Running || info.State.Status === "created" ? overAt : Math.min(overAt, Date.parse(info.State.FinishedAt));
    if (nowMs < endedAt + (info.State.Running ? 0 : KEEP_MS)) continue;
    await ask(`remove ${id}`, () => docker.getContainer(id).remove({ force: true, v: true }), [404, 409]);
    removed += 1;
  }
  return removed;
}
