// What GitLab's webhooks tell of changes: deployments, pipelines that deploy, releases, tags and feature flags. Every other event (issues, notes,
// merge requests) is none and is answered as taken, since GitLab disables a hook that is refused.
// See docs.gitlab.com/user/project/integrations/webhook_events.
import { Change } from "@tocsin/contracts";
import { cleanText } from "./clean-text.ts";
import { at } from "./generic.ts";
import { isObject, readJson } from "./json.ts";
import type { Parsed, Rejection } from "./outcome.ts";
import { anyTime } from "./time.ts";

export interface GitlabRules {
  /** Project path to service, where the project is not called like its service. */
  readonly services: ReadonlyMap<string, string>;
  /** Tiers of environments whose deployments count; one that GitLab does not name always does. */
  readonly tiers: ReadonlySet<string>;
}

/** Pure: the change in a hook's body; a body that tells of none gives an empty result. What cannot be read is quarantined whole. */
export function parseGitlab(body: Uint8Array, rules: GitlabRules, receivedAt: string): Parsed {
  const result = (changes: readonly Change[], rejections: readonly Rejection[] = []): Parsed => ({
    source: "gitlab",
    alerts: [],
    changes,
    rejections,
    truncatedAlerts: 0,
    fingerprintMismatches: 0,
  });
  const json = readJson(body, 0);
  if (json.kind === "rejected") return result([], [{ code: "BRIDGE_BODY_UNPARSABLE", reason: json.reason, raw: body }]);
  const { value } = json.value;
  if (!isObject(value) || typeof value["object_kind"] !== "string")
    return result([], [{ code: "BRIDGE_FORMAT_UNKNOWN", reason: "no hook of GitLab's: it has no object_kind", raw: body }]);
  const read = Object.hasOwn(READERS, value["object_kind"]) ? READERS[value["object_kind"]] : undefined;
  const project = projectOf(value);
  if (!read) return result([]);
  if (!project) return result([], [{ code: "BRIDGE_FORMAT_UNKNOWN", reason: "it names no project", raw: body }]);
  const told = read(value, project, rules);
  if (!told) return result([]);
  const { id, kind, text, version, link } = told;
  return result([
    Change.parse({
      id: `gitlab:${project.id}:${id}`,
      at: told.at ?? receivedAt,
      service: rules.services.get(project.path) ?? project.name,
      kind,
      text: cleanText(text, 4_000),
      ...(version === undefined ? {} : { version }),
      ...(link !== undefined && /^https?:\/\//i.test(link) ? { link } : {}),
    }),
  ]);
}

interface Project {
  readonly id: string;
  /** `group/project` */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
}
interface Told {
  readonly id: string;
  readonly at?: string | undefined;
  readonly kind: Change["kind"];
  readonly text: string;
  readonly version?: string | undefined;
  readonly link?: string | undefined;
}
type Hook = Record<string, unknown>;
type Reader = (hook: Hook, project: Project, rules: GitlabRules) => Told | undefined;

const READERS: Readonly<Record<string, Reader>> = {
  deployment: (hook, project, { tiers }) => {
    const status = text(hook, "/status");
    const number = text(hook, "/deployment_id");
    const tier = text(hook, "/environment_tier");
    // Created and blocked ones have changed nothing yet; a failed one may have changed half of it.
    if (number === undefined || !["running", "success", "failed", "canceled"].includes(status ?? "")) return undefined;
    if (tier !== undefined && !tiers.has(tier)) return undefined;
    const version = text(hook, "/ref") ?? text(hook, "/short_sha");
    const by = text(hook, "/user/username") ?? text(hook, "/user/name");
    const title = text(hook, "/commit_title");
    return {
      // One deployment is one change, and begins when it is first told of: later states of it are duplicates.
      id: `deployment:${number}`,
      at: gitlabTime(at(hook, "/status_changed_at")),
      kind: "deployment",
      text: `${project.path} deployed to ${text(hook, "/environment") ?? "an environment"}${by === undefined ? "" : ` by ${by}`}${title === undefined ? "" : `: ${title}`} (${status})`,
      version,
      link: text(hook, "/deployable_url") ?? text(hook, "/commit_url"),
    };
  },

  pipeline: (hook, project, { tiers }) => {
    const number = text(hook, "/object_attributes/id");
    if (number === undefined || text(hook, "/object_attributes/status") !== "success") return undefined;
    const builds = Array.isArray(hook["builds"]) ? hook["builds"] : [];
    // A pipeline without an environment tests something and changes nothing that runs.
    const environments = builds.flatMap((build) => {
      if (!isObject(build) || text(build, "/status") !== "success" || text(build, "/environment/action") !== "start") return [];
      const tier = text(build, "/environment/deployment_tier");
      return tier === undefined || tiers.has(tier) ? [text(build, "/environment/name") ?? "an environment"] : [];
    });
    if (environments.length === 0) return undefined;
    const title = text(hook, "/commit/title");
    return {
      id: `pipeline:${number}`,
      at: gitlabTime(at(hook, "/object_attributes/finished_at")),
      kind: "deployment",
      text: `pipeline of ${project.path} deployed to ${environments.join(", ")}${title === undefined ? "" : `: ${title}`}`,
      version: text(hook, "/object_attributes/ref"),
      link: text(hook, "/object_attributes/url"),
    };
  },

  release: (hook, project) => {
    const tag = text(hook, "/tag");
    if (tag === undefined || text(hook, "/action") !== "create") return undefined;
    return {
      id: `release:${tag}`,
      at: gitlabTime(at(hook, "/released_at") ?? at(hook, "/created_at")),
      kind: "deployment",
      text: `${project.path} ${text(hook, "/name") ?? tag} released`,
      version: tag,
      link: text(hook, "/url"),
    };
  },

  tag_push: (hook, project) => {
    const tag = text(hook, "/ref")?.replace(/^refs\/tags\//, "");
    const sha = text(hook, "/checkout_sha");
    // Without a commit to check out the tag was deleted.
    if (tag === undefined || sha === undefined) return undefined;
    return { id: `tag:${tag}:${sha}`, kind: "deployment", text: `tag ${tag} pushed to ${project.path}`, version: tag };
  },

  feature_flag: (hook, project) => {
    const name = text(hook, "/object_attributes/name");
    const isActive = at(hook, "/object_attributes/active");
    if (name === undefined) return undefined;
    const stamp = text(hook, "/object_attributes/updated_at") ?? "";
    return {
      id: `flag:${name}:${String(isActive)}:${stamp}`,
      at: gitlabTime(stamp),
      kind: "configuration",
      text: `feature flag ${name} of ${project.path} turned ${isActive === true ? "on" : "off"}`,
    };
  },
};

function projectOf(hook: Hook): Project | undefined {
  const path = text(hook, "/project/path_with_namespace");
  if (path === undefined) return undefined;
  return { id: text(hook, "/project/id") ?? path, path, name: path.split("/").at(-1) as string };
}

function text(value: Hook, pointer: string): string | undefined {
  const found = at(value, pointer);
  if (typeof found === "number") return String(found);
  return typeof found === "string" && found.trim() !== "" ? cleanText(found.trim(), 1_000) : undefined;
}

/** `2021-04-28 21:50:00 +0200`, as hooks write it, `2021-04-28 21:50:00 UTC`, or RFC 3339. */
function gitlabTime(value: unknown): string | undefined {
  const parts = typeof value === "string" ? /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (UTC|[+-]\d{4})$/.exec(value) : null;
  if (!parts) return anyTime(value);
  const [, day, time, zone] = parts as unknown as [string, string, string, string];
  return anyTime(`${day}T${time}${zone === "UTC" ? "Z" : `${zone.slice(0, 3)}:${zone.slice(3)}`}`);
}
