import { messageOf } from "@tocsin/runtime";
import type Docker from "dockerode";
import { targetFailed, targetUnsupported } from "../errors.ts";
import { baseNameOf, type Inspected, labelsOf, NEXT, PREVIOUS } from "./container-view.ts";
import { ask } from "./docker-calls.ts";
import { LABELS } from "./labels.ts";
import { type Difference, successorOf } from "./successor.ts";

/**
 * Puts a container that differs in its image or its configuration in the place of one. Each step looks first whether it is done, so that a call repeated after a
 * crash goes on where the first one ended. The predecessor is removed last and its volumes never; when the
 * successor does not start, the predecessor is put back.
 *
 * @throws AppError `TARGET_UNSUPPORTED` for a container that Docker removes when it stops, `TARGET_FAILED` when the image is
 *   missing or the successor does not start
 */
export async function replaceContainer(
  docker: Docker,
  container: Inspected,
  difference: Difference,
  options: { readonly operationId: string; readonly graceSeconds: number },
): Promise<void> {
  const base = baseNameOf(container);
  if (container.HostConfig.AutoRemove) throw targetUnsupported(`${base} is removed when it stops (--rm), so nothing could be undone`);
  const find = (name: string) => ask(`inspect ${name}`, () => docker.getContainer(name).inspect(), [404]);
  const inPlace = await find(base);
  if (inPlace && labelsOf(inPlace)[LABELS.operation] === options.operationId) {
    await startAndTidy(docker, base);
    return;
  }

  let next = await find(base + NEXT);
  if (next && labelsOf(next)[LABELS.operation] !== options.operationId) {
    await ask(`remove ${base + NEXT}`, () => docker.getContainer(base + NEXT).remove({ force: true }), [404]);
    next = undefined;
  }
  if (!next) {
    const source = inPlace ?? container;
    const imageInfo = await ask(`inspect image ${source.Image}`, () => docker.getImage(source.Image).inspect());
    const spec = successorOf(source, (imageInfo as Docker.ImageInspectInfo).Config ?? {}, difference, options.operationId);
    await ask(`create ${base + NEXT}`, () => docker.createContainer(spec));
  }
  if (inPlace) {
    await ask(`stop ${base}`, () => docker.getContainer(base).stop({ t: options.graceSeconds }), [304]);
    await ask(`rename ${base}`, () => docker.getContainer(base).rename({ name: base + PREVIOUS }));
  }
  await ask(`rename ${base + NEXT}`, () => docker.getContainer(base + NEXT).rename({ name: base }));
  try {
    await startAndTidy(docker, base);
  } catch (error) {
    await ask(`remove ${base}`, () => docker.getContainer(base).remove({ force: true }), [404]);
    await ask(`rename ${base + PREVIOUS}`, () => docker.getContainer(base + PREVIOUS).rename({ name: base }));
    await ask(`start ${base}`, () => docker.getContainer(base).start(), [304]);
    throw targetFailed(
      `starting ${base} from ${difference.image ?? container.Config.Image}`,
      undefined,
      `${messageOf(error)}; the container before was put back`,
      error,
    );
  }
}

async function startAndTidy(docker: Docker, base: string): Promise<void> {
  await ask(`start ${base}`, () => docker.getContainer(base).start(), [304]);
  await ask(`remove ${base + PREVIOUS}`, () => docker.getContainer(base + PREVIOUS).remove({ force: true, v: false }), [404]);
}
