import { Change } from "@tocsin/contracts";
import { digestOf } from "@tocsin/runtime";
import { cleanText } from "./clean-text.ts";
import { at } from "./generic.ts";
import { isObject } from "./json.ts";
import { kindOf } from "./normalise.ts";
import { invalid, type Read, read } from "./outcome.ts";
import { anyTime } from "./time.ts";

const KIND_OF: Readonly<Record<string, Change["kind"]>> = {
  deployment: "deployment",
  deploy: "deployment",
  release: "deployment",
  rollout: "deployment",
  rollback: "deployment",
  configuration: "configuration",
  config: "configuration",
  "feature-flag": "configuration",
  flag: "configuration",
  scaling: "scaling",
  scale: "scaling",
  restart: "restart",
};

/**
 * Pure: something that somebody changed, as `POST /webhooks/generic/change` takes it: `service` and, where known, `kind`, `text`, `version`,
 * `previousVersion`, `at`, `link`, `id`. Told again under its `id`, or with equal content and time, it is the same change.
 */
export function readChange(value: unknown, receivedAt: string): Read<Change> {
  if (!isObject(value)) return invalid(`it is ${kindOf(value)} instead of an object`);
  const text = (...names: readonly string[]): string | undefined => {
    for (const name of names) {
      const found = at(value, `/${name}`);
      if (typeof found === "string" && found.trim() !== "") return cleanText(found.trim(), 4_000);
      if (typeof found === "number") return String(found);
    }
    return undefined;
  };
  const service = text("service", "service_name", "app");
  if (service === undefined) return invalid("it names no service");
  const said = text("kind", "type")?.toLowerCase() ?? "deployment";
  const kind = Object.hasOwn(KIND_OF, said) ? KIND_OF[said] : undefined;
  if (kind === undefined) return invalid(`its kind ${said.slice(0, 50)} is none of deployment, configuration, scaling, restart`);
  const version = text("version", "revision", "sha");
  const previousVersion = text("previousVersion", "previous_version");
  const link = text("link", "url");
  const body = {
    at: anyTime(at(value, "/at") ?? at(value, "/time") ?? at(value, "/timestamp")) ?? receivedAt,
    service,
    kind,
    text: text("text", "message", "title", "description") ?? `${kind}${version === undefined ? "" : ` of ${version}`}`,
    ...(version === undefined ? {} : { version }),
    ...(previousVersion === undefined ? {} : { previousVersion }),
    ...(link !== undefined && /^https?:\/\//i.test(link) ? { link } : {}),
  };
  return read(Change.parse({ id: text("id") ?? `chg_${digestOf(body).slice(7, 39)}`, ...body }));
}
